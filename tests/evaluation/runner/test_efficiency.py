"""What a run costs: measured behind its answers, with nothing of them changed."""

import json
import math

import pytest
import torch
import transformers
from safetensors import safe_open

from evaluation.runner.efficiency.energy import Meter
from evaluation.runner.efficiency.figures import Figures, Repetitions
from evaluation.runner.efficiency.flops import count_flops
from evaluation.runner.efficiency.memory import ResidentMemory, cached_share
from tests.evaluation.runner import language_models
from tests.evaluation.runner.conftest import DEFINITIONS
from tests.evaluation.runner.test_requests import some_inputs

QUICK = {
    "scenarios": ["single_stream", "offline"], "warmup": 2, "min_iterations": 24, "min_seconds": 0.001,
    "max_seconds": 60,
}  # fmt: skip
LATENCIES = ("latency_p50_ms", "latency_p90_ms", "latency_p95_ms")


def measured(bench):
    return json.loads((bench.output / "measurements.json").read_text())["efficiency"]


def test_a_linear_layer_costs_two_operations_per_weight_and_row():
    layer = torch.nn.Linear(7, 5)

    def work():
        with torch.inference_mode():
            layer(torch.zeros(3, 7))

    assert count_flops(work) == 2 * 3 * 7 * 5


def test_attention_on_a_cpu_is_counted_as_on_a_gpu():
    heads, tokens, width = 2, 8, 16
    rows = torch.zeros(1, heads, tokens, width)

    counted = count_flops(lambda: torch.nn.functional.scaled_dot_product_attention(rows, rows, rows))

    assert counted == 2 * (2 * heads * tokens * tokens * width)


def test_a_text_model_has_all_figures_and_the_same_answers(bench, text_classifier, inputs_of, tmp_path):
    path, _ = some_inputs(inputs_of("langid"), tmp_path, 40)
    assert bench.run("langid", text_classifier, path, output="plain")[0] == 0
    plain = (bench.folder / "out" / "plain" / "predictions.jsonl").read_bytes()

    code, events = bench.run("langid", text_classifier, path, efficiency=QUICK)

    assert code == 0, events
    assert (bench.output / "predictions.jsonl").read_bytes() == plain
    found = measured(bench)
    values = {name: figure["value"] for name, figure in found["values"].items()}
    model = transformers.AutoModelForSequenceClassification.from_pretrained(text_classifier)
    with safe_open(text_classifier / "model.safetensors", "pt") as stored:
        sizes = [stored.get_tensor(name).nbytes for name in stored.keys()]  # noqa: SIM118 (no mapping)
    assert found["protocol"] == 1
    assert values["parameters"] == model.num_parameters()
    assert values["weight_bytes"] == sum(sizes)
    assert 0 < values["latency_p50_ms"] <= values["latency_p90_ms"] <= values["latency_p95_ms"]
    assert {found["values"][name]["n"] for name in LATENCIES} == {24}
    assert found["absent"]["latency_p99_ms"] == "This needs 1000 observations; there were 24."
    assert values["items_per_second"] > 0
    assert values["input_tokens_per_second"] > values["items_per_second"]
    assert values["load_seconds"] > 0
    assert values["peak_rss_bytes"] > 50_000_000
    assert "CPU" in found["absent"]["energy_joules_per_item"]
    assert {"ttft_p50_ms", "rtfx"}.isdisjoint(found["values"])
    assert not (bench.output / "results.part.jsonl").exists()
    assert [event["phase"] for event in events if event["event"] == "progress"][-1] == "measuring"


def test_the_operations_of_one_text_are_those_of_its_matrices(bench, text_classifier, inputs_of, tmp_path):
    """Counted by hand from the configuration, for the padded text of middling length."""
    path, _ = some_inputs(inputs_of("langid"), tmp_path, 40)
    bench.run("langid", text_classifier, path, efficiency=QUICK | {"scenarios": ["single_stream"], "min_iterations": 1})

    found = measured(bench)["values"]["flops"]

    config = transformers.AutoConfig.from_pretrained(text_classifier)
    tokens = int(found["detail"].split("input_ids 1×")[1].split(",")[0])
    width, inner, labels = config.hidden_size, config.intermediate_size, config.num_labels
    layer = 4 * tokens * width * width + 2 * tokens * tokens * width + 2 * tokens * width * inner
    assert found["value"] == 2 * (config.num_hidden_layers * layer + width * width + width * labels)


def test_perturbed_copies_are_not_what_it_costs(bench, text_classifier, inputs_of, tmp_path):
    path, _ = some_inputs(inputs_of("langid"), tmp_path, 40)
    asked = QUICK | {"scenarios": ["single_stream"], "min_iterations": 1}
    bench.run("langid", text_classifier, path, efficiency=asked)
    alone = measured(bench)["values"]["flops"]
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    copies = [row | {"id": row["id"] + "-typos", "text": 3 * row["text"], "perturbed": True} for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows + copies))

    code, _ = bench.run("langid", text_classifier, path, efficiency=asked, output="both")

    both = json.loads((bench.folder / "out" / "both" / "measurements.json").read_text())
    assert code == 0
    assert both["items"] == 80
    assert both["efficiency"]["values"]["flops"] == alone


def test_a_language_model_is_timed_to_its_first_token_and_each_after(bench, tmp_path):
    folder = language_models.save_random(tmp_path / "gpt2", "gpt2")
    rows = [{"text": row["contexts"][0]} for row in language_models.choices(count=6, context_words=(5, 30))]
    path = language_models.write_rows(tmp_path / "rows.jsonl", rows)
    asked = QUICK | {"min_iterations": 4}

    code, events = bench.run(
        "manual-last-word", folder, path, options={"generation": {"max_new_tokens": 4}}, efficiency=asked
    )

    assert code == 0, events
    figures = measured(bench)["values"]
    for name in ("ttft_p50_ms", "tpot_p50_ms", "latency_p50_ms", "output_tokens_per_second"):
        assert figures[name]["value"] > 0
    assert figures["ttft_p50_ms"]["n"] == 3
    assert "prompt of 103 tokens, 25 new" in figures["ttft_p50_ms"]["detail"]  # the model sees 128 at once
    assert "input_tokens_per_second" not in figures
    config = transformers.AutoConfig.from_pretrained(folder)
    tokens, width = 103, config.n_embd
    layer = 12 * tokens * width * width + 2 * tokens * tokens * width
    assert figures["flops"]["value"] == 2 * (config.n_layer * layer + width * config.vocab_size)


def test_no_time_left_costs_the_figures_and_not_the_run(bench, text_classifier, inputs_of, tmp_path):
    path, _ = some_inputs(inputs_of("langid"), tmp_path, 8)
    limits = DEFINITIONS["langid"].limits.__dict__ | {"minutes": 0.01}

    code, _ = bench.run("langid", text_classifier, path, efficiency=QUICK, limits=limits)

    assert code == 0
    found = measured(bench)
    assert set(found["values"]) == {"parameters", "weight_bytes", "load_seconds"}
    assert found["absent"]["latency_p50_ms"] == "The time limit of the run left none for this."


def test_what_fails_is_absent_with_its_reason_and_takes_nothing_along(bench, tmp_path):
    """A model that names no last token writes nothing; its answers need none."""
    folder = language_models.save_random(tmp_path / "gpt2", "gpt2")
    for name in ("config.json", "generation_config.json"):
        stated = json.loads((folder / name).read_text())
        stated.pop("eos_token_id", None)
        (folder / name).write_text(json.dumps(stated | ({"eos_token_id": None} if name == "config.json" else {})))
    path = language_models.write_rows(tmp_path / "rows.jsonl", language_models.choices(count=4))

    code, events = bench.run("manual-next-sentence", folder, path, efficiency=QUICK | {"min_iterations": 2})

    assert code == 0, events
    found = measured(bench)
    assert "eos_token_id" in found["absent"]["ttft_p50_ms"]
    assert found["values"]["latency_p50_ms"]["value"] > 0
    assert found["values"]["flops"]["detail"].startswith("one item")


def test_percentiles_are_observed_values_and_wait_for_enough_of_them():
    figures = Figures()

    figures.add_percentiles("p{}", [number / 1000 for number in range(1, 101)], (50, 90, 95, 99), detail="")

    assert {name: figure["value"] for name, figure in figures.values.items()} == {"p50": 50, "p90": 90, "p95": 95}
    assert "1000" in figures.absent["p99"]


def test_a_figure_that_is_no_number_is_absent():
    figures = Figures()

    figures.add("flops", math.inf)

    assert (figures.values, set(figures.absent)) == ({}, {"flops"})


def test_a_counter_of_energy_that_fails_later_takes_no_throughput_along():
    class Broken:
        """As a driver that loses its GPU: NVML's code for that."""

        def nvmlDeviceGetTotalEnergyConsumption(self, _handle, _found):  # noqa: N802 (NVML's name)
            return 15

    figures, meter = Figures(), Meter(torch.device("cuda"), library=Broken())

    meter.start().stop(figures, items=10, seconds=20.0)

    assert set(figures.absent) == {"energy_joules_per_item", "mean_power_watts"}
    assert "error 15" in figures.absent["mean_power_watts"]


def test_time_that_is_up_ends_repetitions_and_says_so():
    timed = Repetitions(5, 0.0, deadline=0.0)

    assert timed.go_on()  # a single observation there always is
    timed.done += 1
    assert not timed.go_on()
    assert "5 were asked" in timed.cut_short()


def test_memory_that_is_held_for_a_moment_is_seen():
    with ResidentMemory() as before:
        pass
    with ResidentMemory() as during:
        held = torch.ones(30_000_000)

    assert held.sum() > 0
    assert during.bytes > before.bytes + 80_000_000


@pytest.mark.parametrize("size", [0, 100, 5_000_000])
def test_a_file_just_written_lies_in_the_page_cache(tmp_path, size):
    path = tmp_path / "weights"
    path.write_bytes(b"x" * size)

    assert cached_share([path]) in {1.0, None}  # None: this file system does not tell
