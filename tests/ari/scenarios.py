"""Calls that are played over ARI as well; see tests/ami/stage.py."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.ami.scenarios import SCENARIOS
from tests.ami.stage import FILES
from tests.ami.transfers import FEATURES

__all__ = ["ALL", "FILES", "FIXTURES", "RECORDED"]

FIXTURES: Final = Path(__file__).parent.parent / "fixtures" / "ari"
RECORDED: Final = (
    *("answered", "attended_transfer", "busy", "called_back", "cancelled", "feature_code", "fork"),
    *("line_breaks_in_the_name", "local", "no_answer", "picked_up_by_another", "press_one", "queue"),
    *("joined_by_console", "redirected", "refused_by_dialplan", "stasis_bridged", "withheld"),
)
"""Of these ARI's events are kept (tests/calls/record.py); the rest would say nothing new."""
ALL: Final = (*SCENARIOS, *FEATURES)
