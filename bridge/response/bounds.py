"""What a source may say at most: the first thing that happens to an event, so that none is lost by its size.

Called by `identify`. A database refuses a key that is too long for an index, and whoever calls chooses the
name that is shown; neither must cost an SOS.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from bridge.model import Event

LONGEST: Final = 512
"""Characters of whatever names something: a key, an endpoint, a number, a caller's name."""
LONGEST_TEXT: Final = 4096
"""Characters of what only people read."""
_TEXTS: Final = frozenset({"text", "proof", "reason"})
_END_OF_TIME: Final = 253_402_300_800.0
"""Year 10000: no calendar here goes further."""
_DIGITS: Final = 16


def bounded(event: Event) -> Event:
    """Return the event with every text cut to its bound, and a time that is one.

    Where `occurred_at` is not a number or in no year that has a name, the time of reception stands for it.
    """
    at = event.occurred_at
    if not (math.isfinite(at) and 0.0 <= at < _END_OF_TIME):
        event = replace(event, occurred_at=event.received_at)
    named = (
        event.key,
        event.endpoint,
        event.caller,
        event.dialled,
        event.incident,
        *event.attributes.values(),
    )
    if max(map(len, named)) <= LONGEST:
        return event
    return replace(
        event,
        key=cut(event.key),
        endpoint=cut(event.endpoint),
        caller=cut(event.caller),
        dialled=cut(event.dialled),
        incident=cut(event.incident),
        attributes=_cut(event.attributes),
    )


def cut(text: str, longest: int = LONGEST) -> str:
    """Return `text` with at most `longest` characters: its beginning, `…` and a digest of the whole.

    So two long texts that begin alike stay two, and the same one is the same on every node.
    """
    if len(text) <= longest:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{text[: longest - _DIGITS - 1]}…{digest}"


def _cut(attributes: Mapping[str, str]) -> Mapping[str, str]:
    return {name: cut(text, LONGEST_TEXT if name in _TEXTS else LONGEST) for name, text in attributes.items()}
