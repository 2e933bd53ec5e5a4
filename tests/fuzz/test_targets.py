"""A short try of every byte parser; `python -m tests.fuzz` goes on for as long as it is told."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from catalog.errors import CatalogError
from tests.fuzz.targets import OPENINGS, TARGETS, feed

BOUNDS = settings(max_examples=150, deadline=2_000, database=None, suppress_health_check=[HealthCheck.too_slow])


def mutations(name: str) -> st.SearchStrategy[bytes]:
    """Anything, an opening with anything behind it, and an opening with one byte changed."""
    openings = st.sampled_from(OPENINGS[name])
    changed = st.builds(
        lambda opening, at, byte: opening[: at % len(opening)] + bytes([byte]) + opening[at % len(opening) + 1 :],
        openings,
        st.integers(0, 10_000),
        st.integers(0, 255),
    )
    followed = st.builds(lambda opening, rest: opening + rest, openings, st.binary(max_size=300))
    return st.one_of(st.binary(max_size=300), followed, changed)


@pytest.mark.parametrize("name", TARGETS)
def test_bytes_that_mean_nothing_are_refused_with_an_error_of_ours(name):
    @BOUNDS
    @given(data=mutations(name))
    @example(data=b"")
    def try_one(data: bytes) -> None:
        feed(name, data)

    try_one()


@pytest.mark.parametrize("name", TARGETS)
def test_each_opening_is_read_without_a_finding(name):
    for opening in OPENINGS[name]:
        feed(name, opening)


@pytest.mark.parametrize(("name", "refusal"), [("shard", ""), ("xorb", "not to its name")])
def test_an_opening_leads_past_the_first_check(name, refusal):
    """A wrong byte in a tag would keep all that follows from ever being tried."""
    said = [refusal_of(name, opening) for opening in OPENINGS[name]]

    assert [one for one in said if refusal in one] if refusal else "" in said


def refusal_of(name: str, data: bytes) -> str:
    try:
        TARGETS[name](data)
    except CatalogError as refusal:
        return refusal.message
    return ""
