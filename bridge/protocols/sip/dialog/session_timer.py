"""Session timers (RFC 4028): a call whose other end has died without a word ends by itself.

Pure computation: what is agreed on, when to refresh, when to give up. Called by `session` and by whoever
sends or answers an INVITE.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from bridge.protocols.sip.headers.delta_seconds import DeltaSeconds
from bridge.protocols.sip.headers.session_expires import SessionExpires
from bridge.protocols.sip.message import MalformedError, Request, Response

TAG: Final = "timer"
SMALLEST: Final = 90
"""Seconds; the least that anybody may ask for (section 4)."""
RECOMMENDED: Final = 1800


class Refresher(enum.StrEnum):
    US = "us"
    THEM = "them"


@dataclass(frozen=True, slots=True)
class SessionTimer:
    """What was agreed on. `interval` in seconds."""

    interval: int
    refresher: Refresher

    @property
    def after(self) -> float:
        """Seconds after which we refresh (at half the interval), or else end the call (section 10)."""
        if self.refresher is Refresher.US:
            return self.interval / 2
        return self.interval - min(32.0, self.interval / 3)


def answer(request: Request) -> SessionTimer | None:
    """Return the timer of a session that we accept (section 9), None for none.

    The other side's interval is taken as it is, and it refreshes, unless it wants us to. One that is too
    small gets none: it was refused with 422 before (`too_small`), or must not be refused for a formality.
    """
    wanted = _read(request)
    if wanted is None or wanted.seconds < SMALLEST:
        return None
    # A client that does not know of session timers got this from a proxy, and cannot refresh.
    us = wanted.refresher == "uas" or not _knows_timers(request)
    return SessionTimer(wanted.seconds, Refresher.US if us else Refresher.THEM)


def too_small(request: Request, smallest: int) -> bool:
    """Whether 422 is the answer (section 9): only for who knows what that means."""
    wanted = _read(request)
    return wanted is not None and wanted.seconds < smallest and _knows_timers(request)


def fields_of_answer(timer: SessionTimer) -> tuple[tuple[str, object], ...]:
    """Return the fields of the 2xx that accepts `timer`."""
    if timer.refresher is Refresher.US:
        return (("Session-Expires", SessionExpires(timer.interval, "uas")),)
    return ("Require", TAG), ("Session-Expires", SessionExpires(timer.interval, "uac"))


def fields_of_offer(interval: int = RECOMMENDED, smallest: int = SMALLEST) -> tuple[tuple[str, object], ...]:
    """Return the fields of an INVITE that asks for a session timer (section 7.1)."""
    return (
        ("Supported", TAG),
        ("Session-Expires", SessionExpires(interval)),
        ("Min-SE", DeltaSeconds(smallest)),
    )


def agreed(response: Response) -> SessionTimer | None:
    """Return the timer that a 2xx to our request brings (section 7.2), None if there is none."""
    return _in(response, us="uac")


def granted(response: Response) -> SessionTimer | None:
    """Return the timer that our own 2xx grants, None if there is none."""
    return _in(response, us="uas")


def _in(response: Response, us: str) -> SessionTimer | None:
    found = _read(response)
    if found is None or found.seconds < SMALLEST:
        return None
    # Without a word on it the client refreshes, who alone knows that nobody else will.
    refresher = Refresher.US if (found.refresher or "uac") == us else Refresher.THEM
    return SessionTimer(found.seconds, refresher)


def _read(message: Request | Response) -> SessionExpires | None:
    """A timer that cannot be read is none: no call is lost for it."""
    try:
        return message.session_expires
    except MalformedError:
        return None


def _knows_timers(request: Request) -> bool:
    try:
        return TAG in request.supported
    except MalformedError:
        return False


def demanded(response: Response) -> int:
    """Return the interval that a 422 demands (section 7.3), 0 if it does not say."""
    try:
        return 0 if response.min_se is None else response.min_se.seconds
    except MalformedError:
        return 0
