"""What rtpengine does not tell by itself: whether a leg is heard. Pure; called by `rtpengine`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bridge.protocols.media.bencode import Plain
from bridge.protocols.media.facade import FirstRtp, MediaEvent, RtpBack, RtpSilent, Statistics

Answer = Mapping[str, Plain]


class Hearing:
    """Compares the packet counts of a leg's party. Times are monotonic."""

    def __init__(self, leg: str, now: float) -> None:
        self._leg = leg
        self._packets = 0
        self._heard_at: float | None = None
        self._since = now
        self._silent = False

    def look(self, packets: int, source: str, now: float, silence_after: float) -> Iterator[MediaEvent]:
        """Yield what is news since the last look."""
        if packets > self._packets:
            if self._heard_at is None:
                yield FirstRtp(leg=self._leg, source=source)
            elif self._silent:
                yield RtpBack(leg=self._leg)
            self._packets, self._heard_at, self._silent = packets, now, False
        silent_for = now - (self._heard_at or self._since)
        if not self._silent and silent_for >= silence_after:
            self._silent = True
            yield RtpSilent(leg=self._leg, seconds=round(silent_for, 1), never=self._heard_at is None)

    def silent_for(self, now: float) -> float | None:
        return None if self._heard_at is None else now - self._heard_at


def statistics_of(answer: Answer, silent_for: float | None) -> Statistics:
    """Read the answer to `query`: packets of the party, and of the inner side, which it is sent."""
    party, inner = _stream(answer, "out"), _stream(answer, "in")
    return Statistics(
        received=_count(party, "packets"),
        malformed=_count(party, "errors"),
        sent=_count(inner, "packets"),
        silent_for=silent_for,
        source=source_of(answer),
    )


def source_of(answer: Answer) -> str:
    """Return address and port of the party as rtpengine knows them."""
    endpoint = _in(_stream(answer, "out"), "endpoint")
    address = _in(endpoint, "address")
    port = _in(endpoint, "port")
    return f"{address.decode()} {port}" if isinstance(address, bytes) and isinstance(port, int) else ""


def _stream(answer: Answer, tag: str) -> Plain:
    medias = _in(_in(_in(answer, "tags"), tag), "medias")
    media = medias[0] if isinstance(medias, list) and medias else None
    streams = _in(media, "streams")
    return streams[0] if isinstance(streams, list) and streams else {}


def _count(stream: Plain, name: str) -> int:
    value = _in(_in(stream, "stats"), name)
    return value if isinstance(value, int) else 0


def _in(value: Plain | Answer | None, key: str) -> Plain:
    return value.get(key, {}) if isinstance(value, Mapping) else {}
