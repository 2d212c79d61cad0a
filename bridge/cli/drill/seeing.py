"""A person looks at the displays that cannot be asked what they show. Called by `sosbridge drill --confirm`.

A proof is an interval of the driver's fault `proof` that a person's word ends (`supervision.proofs`). A
driver that was proven lately has none open: then one is opened and ended at once, and the time counts anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import click

from bridge.cli.drill.receipts import Answer, Display
from bridge.config.problems import visible
from bridge.engine import UNPROVEN
from bridge.model import Kind
from bridge.supervision.proofs import subject_of

Ask = Callable[[Display], bool]
"""Whether a person sees it."""


class Say(Protocol):
    """Hands in an event, and returns when it is committed."""

    def __call__(self, kind: Kind, told: Mapping[str, str]) -> None: ...


def does_show(display: Display) -> bool:
    """Ask on the terminal. Raises click.Abort where nobody answers."""
    return click.confirm(
        f"Does {visible(display.console)} show {_cameras(display)}?", default=False, err=True
    )


def hand_in_answers(answers: Sequence[Answer], say: Say, *, by: str, phone: str) -> None:
    """Say for each driver whether it is proven: only where everything that was asked about is seen."""
    for driver in sorted({answer.display.driver for answer in answers}):
        subject = {"subject": subject_of(driver), "what": UNPROVEN, "by": by}
        asked = [answer for answer in answers if answer.display.driver == driver]
        if missed := [answer.display for answer in asked if not answer.seen]:
            not_seen = "; ".join(f"{_cameras(display)} on {display.console}" for display in missed)
            again = f"mend it, then run `sosbridge drill --phone {phone} --confirm`"
            say(Kind.FAULT, {**subject, "text": f"{by} does not see {not_seen}: {again}"})
        else:
            say(Kind.FAULT, {**subject, "text": f"{by} looks at what {driver} shows"})
            say(Kind.FAULT_CLEARED, subject)


def told(answers: Sequence[Answer]) -> Iterator[str]:
    """Yield the answers, a line each."""
    for answer in answers:
        display = answer.display
        seen = "seen" if answer.seen else "NOT SEEN"
        yield f"{seen}: {_cameras(display)} on {visible(display.console)}, shown by {display.driver}"
    if not answers:
        yield "NOBODY was asked: no display took the picture that cannot be asked itself what it shows"


def _cameras(display: Display) -> str:
    return ", ".join(map(visible, display.cameras)) or "the picture"
