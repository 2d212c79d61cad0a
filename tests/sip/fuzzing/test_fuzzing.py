"""A slice of what `make fuzz` does, the same each time, and everything that it ever found."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

import pytest

from tests.sip.fuzzing.seeds import mutants, seeds
from tests.sip.fuzzing.story import live_through

ROUNDS = int(os.environ.get("SIP_STORIES", "1000"))
"""For each of three seeds."""
FINDS = Path(__file__).parent / "finds"


def test_the_seeds_are_messages() -> None:
    assert all(live_through(seed) for seed in seeds()[-20:])
    for seed in seeds():
        live_through(seed)


@pytest.mark.parametrize("seed", range(3))
def test_a_slice(seed: int) -> None:
    read = sum(live_through(data) > 0 for data in islice(mutants(seed), ROUNDS))
    assert read > ROUNDS / 4  # the damage is not so great that it says nothing


def test_finds() -> None:
    for find in sorted(FINDS.glob("*-*")):  # crash-..., timeout-...
        live_through(find.read_bytes())
