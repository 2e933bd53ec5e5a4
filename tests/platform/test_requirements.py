import re

from tests.processes import ROOT

PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[a-z,_-]+\])?==(\S+)", re.MULTILINE)


def pins(name):
    found = PIN.findall((ROOT / "requirements" / name).read_text())
    return {(re.sub(r"[-_.]+", "-", package).lower(), version) for package, version in found}


def test_every_package_that_is_asked_for_is_in_the_lock():
    asked = set().union(*(pins(file.name) for file in (ROOT / "requirements").glob("*.in")))

    assert asked
    assert asked - pins("lock.txt") == set()


def test_the_lock_names_no_place_and_leaves_torch_alone():
    lock = (ROOT / "requirements" / "lock.txt").read_text()

    assert "://" not in lock
    assert not re.search(r"^(torch|nvidia|cuda|triton)\b", lock, re.MULTILINE)
    assert pins("lock.txt")
