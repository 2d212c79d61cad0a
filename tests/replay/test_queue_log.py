"""What a queue's log tells of a call, line by line; recorded ones are read in test_recordings.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.replay.calls import ABANDONED, ANSWERED
from tests.replay.logs import read

ENTERED = "1795378100|1795378100.1|help|NONE|ENTERQUEUE||4101|1"
TAKEN = "1795378103|1795378100.1|help|PJSIP/2001|CONNECT|3|1795378100.2|2"


@pytest.mark.parametrize(
    ("lines", "told", "unknown"),
    [
        pytest.param(
            (ENTERED, TAKEN, "1795378109|1795378100.1|help|PJSIP/2001|COMPLETECALLER|3|6|1"),
            (ANSWERED, 1795378103.0, 1795378109.0),
            ("picked_up_at",),
            id="a talk",
        ),
        pytest.param(
            (ENTERED, TAKEN, "1795378109|1795378100.1|help|PJSIP/2001|BLINDTRANSFER|2005|phones|3|6|1"),
            (ANSWERED, 1795378103.0, None),
            ("picked_up_at", "ended_at"),
            id="handed on: the talk has another end",
        ),
        pytest.param(
            (ENTERED, "1795378109|1795378100.1|help|NONE|EXITWITHTIMEOUT|1|1|9"),
            (None, None, None),
            ("picked_up_at", "answered_at", "ended_at", "outcome"),
            id="left for what the dialplan has next",
        ),
        pytest.param(
            (
                ENTERED,
                "1795378109|1795378100.1|help|NONE|EXITWITHTIMEOUT|1|1|9",
                "1795378109|1795378100.1|second|NONE|ENTERQUEUE||4101|1",
                "1795378112|1795378100.1|second|NONE|ABANDON|1|1|3",
            ),
            (ABANDONED, None, 1795378112.0),
            ("picked_up_at",),
            id="left for another queue, and there given up",
        ),
        pytest.param((ENTERED,), (None, None, None), ("picked_up_at",), id="the log ends"),
    ],
)
def test_a_call(
    tmp_path: Path,
    lines: tuple[str, ...],
    told: tuple[str | None, float | None, float | None],
    unknown: tuple[str, ...],
) -> None:
    log = tmp_path / "queue_log"
    log.write_text("".join(f"{line}\n" for line in lines))
    [row] = read(log).rows.values()
    assert (row.phone, row.dialled, row.dialing_at) == ("4101", "help", 1795378100.0)
    assert (row.outcome, row.answered_at, row.ended_at) == told
    assert row.unknown == unknown
