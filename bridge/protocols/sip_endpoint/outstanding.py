"""Sends whose failure may still become known: by ICMP, or by the end of their connection.

So a dead PBX is noticed in milliseconds and not after 32 s of repetitions (RFC 3261 section 18.4). Called by
`endpoint`.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from bridge.model import Clock

Failed: TypeAlias = Callable[[str], None]
"""Told why a message did not get through, never from within `send`."""

_LIFE: Final = 32.0
"""Seconds: as long as a transaction (64 * T1)."""
_KEPT: Final = 16
_WAYS: Final = 4096


@dataclass(frozen=True, slots=True)
class _Sent:
    at: float
    failed: Failed
    mark: bytes
    """Start line and top Via, whose branch nobody can guess who has not seen the message."""


class Outstanding:
    """`Failed` callbacks by the way that their messages took: an address or a connection."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent: OrderedDict[Hashable, deque[_Sent]] = OrderedDict()

    def add(self, way: Hashable, failed: Failed, data: bytes) -> None:
        sent = self._sent.get(way)
        if sent is None:
            if len(self._sent) >= _WAYS:
                self._sent.popitem(last=False)
            sent = self._sent[way] = deque(maxlen=_KEPT)
        self._sent.move_to_end(way)
        mark = b"\r\n".join(data.split(b"\r\n", 2)[:2])
        sent.append(_Sent(self._clock.monotonic(), failed, mark))

    def returned(self, way: Hashable, quoted: bytes, reason: str) -> None:
        """Tell who sent the datagram that ICMP quotes.

        Without a quotation that reaches over the branch nobody is told: anyone can forge ICMP, and must not
        be able to end a call for help by it.
        """
        sent = self._sent.get(way, deque())
        matching = [entry for entry in sent if quoted.startswith(entry.mark)]
        for entry in matching:
            sent.remove(entry)
        self._tell(matching, reason)

    def fail(self, way: Hashable, reason: str) -> None:
        """Tell all that were sent that way lately."""
        self._tell(self._sent.pop(way, ()), reason)

    def _tell(self, sent: Iterable[_Sent], reason: str) -> None:
        oldest = self._clock.monotonic() - _LIFE
        for entry in sent:
            if entry.at >= oldest:
                entry.failed(reason)
