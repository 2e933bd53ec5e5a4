import pytest

from evaluation.queries import classes


def told(mib, **more):
    return {"gpus": [{"name": "GPU", "memory.total": mib}], "ram_bytes": 64e9, **more}


@pytest.mark.parametrize(
    ("mib", "name"),
    [
        ("15109", "gpu.16g"),  # T4 with error correction
        ("16384", "gpu.16g"),
        ("23028", "gpu.24g"),  # A10
        ("40960", "gpu.24g"),  # A100 of 40 GB: less than 48
        ("46068", "gpu.48g"),  # L40S
        ("81559", "gpu.80g"),  # H100
        ("143771", "gpu.141g"),  # H200
        ("8192", "cpu"),
        ("[N/A]", "cpu"),
        (None, "cpu"),
    ],
)
def test_a_machine_is_of_the_largest_class_its_first_gpu_reaches(mib, name):
    assert classes.shown(classes.class_of(told(mib), {})) == name


@pytest.mark.parametrize(
    ("hardware", "versions"),
    [
        ({}, {}),
        ({"gpus": []}, {}),
        ({"gpus": "many"}, {}),
        ({"gpus": [None]}, {}),
        (told("81559", device="cpu"), {}),
        (told("81559"), {"torch": "2.13.0+cpu"}),
    ],
)
def test_a_machine_whose_runs_use_no_gpu_is_of_the_smallest_class(hardware, versions):
    assert classes.served(hardware, versions) == ["eval.cpu"]


def test_the_gpu_its_runs_use_decides_not_the_first():
    hardware = {"device": "cuda:1", "gpus": [{"memory.total": "81559"}, {"memory.total": "24564"}]}

    assert classes.served(hardware, {}) == ["eval.cpu", "eval.gpu.16g", "eval.gpu.24g"]
    assert classes.memory_gb(hardware, {}) == pytest.approx(25.76, abs=0.01)


def test_memory_is_the_machines_where_there_is_no_gpu_and_unknown_where_it_is_silent():
    assert classes.memory_gb({"ram_bytes": 64e9, "gpus": []}, {}) == 64
    assert classes.memory_gb({"ram_bytes": "much"}, {}) is None
