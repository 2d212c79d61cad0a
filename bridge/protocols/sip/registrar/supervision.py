"""Whom to ask by OPTIONS, and who is there: a pure state, without sockets and clocks.

Called by the SIP trigger: it sends what is `due` and says what came of it. Registration alone tells of a dead
telephone only when its time is up; this tells within a minute or two.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """interval: seconds between two questions to one telephone. misses: so many unanswered: offline.

    doubtful: seconds until the next question after one that was not answered: what is wrong is soon known.
    """

    interval: float = 30.0
    doubtful: float = 5.0
    misses: int = 3


@dataclass(frozen=True, slots=True)
class Noticed:
    """A telephone is there again (`online`), or no longer."""

    phone: str
    online: bool
    reason: str


@dataclass(slots=True)
class _Watched:
    due: float
    asked: bool = False
    missed: int = 0
    online: bool = True


class Supervision:
    """Times are those of any clock that the caller sticks to; monotonic is best."""

    def __init__(self, times: Times | None = None) -> None:
        self._times = times or Times()
        self._watched: dict[str, _Watched] = {}

    def follow(self, phone: str, now: float) -> None:
        """Ask this telephone from now on; one that has just registered is there. Nothing new if it is known.

        The first questions are spread over the interval, so that a plant which comes back from a power cut
        is not asked all at once.
        """
        if phone not in self._watched:
            share = (len(self._watched) * 0.618) % 1.0
            self._watched[phone] = _Watched(due=now + self._times.interval * (0.5 + share / 2))

    def forget(self, phone: str) -> None:
        """Ask no more: it has unregistered, or its registration has run out."""
        self._watched.pop(phone, None)

    @property
    def next_due(self) -> float | None:
        """When to look for `due` next, None if nobody is to be asked."""
        return min((watched.due for watched in self._watched.values() if not watched.asked), default=None)

    def due(self, now: float) -> list[str]:
        """Return which telephones are to be asked now. Each waits for `answered` or `unanswered` then."""
        phones = [
            phone for phone, watched in self._watched.items() if watched.due <= now and not watched.asked
        ]
        for phone in phones:
            self._watched[phone].asked = True
        return phones

    def answered(self, phone: str, now: float) -> Noticed | None:
        """Note any response, a refusal as well, or a registration: it is there."""
        watched = self._watched.get(phone)
        if watched is None:
            return None
        returned = not watched.online
        self._watched[phone] = _Watched(due=now + self._times.interval)
        return Noticed(phone, online=True, reason="it answers again") if returned else None

    def unanswered(self, phone: str, now: float) -> Noticed | None:
        """Note that no response came in time."""
        watched = self._watched.get(phone)
        if watched is None or not watched.asked:
            return None
        watched.asked = False
        watched.missed += 1
        watched.due = now + (self._times.doubtful if watched.online else self._times.interval)
        if not watched.online or watched.missed < self._times.misses:
            return None
        watched.online = False
        watched.due = now + self._times.interval
        reason = f"{watched.missed} OPTIONS in a row were not answered"
        return Noticed(phone, online=False, reason=reason)

    def online(self, phone: str) -> bool:
        """Whether a telephone that is followed is there."""
        watched = self._watched.get(phone)
        return watched is not None and watched.online
