"""ARI events: JSON text to messages. Pure, no sockets; the same for the live link and for recordings.

Event and field names: Asterisk's own ARI documentation (events.json); 16.28 and 22.10 agree on all used here.

    message = parse(text)                        # ProtocolError for what is no event
    message.type, message.at, message.text("channel", "caller", "number")
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bridge.errors import ProtocolError
from bridge.model import NOTHING

MAX_EVENT: Final = 1024 * 1024
"""Bytes of one event. Asterisk's own are about 700."""
SHOWN: Final = 80
_VISIBLE: Final = {code: ascii(chr(code))[1:-1] for code in (*range(0x20), *range(0x7F, 0xA0))}
"""Control characters -> how Python writes them."""


@dataclass(frozen=True, slots=True)
class Message:
    """One event as it came."""

    type: str
    body: Mapping[str, Any]

    @property
    def at(self) -> float | None:
        """When it happened by the PBX's clock (UTC, to the millisecond); None where it does not say."""
        return time_of(text_at(self.body, "timestamp"))

    def text(self, *path: str) -> str:
        """Return the text at `path`, as `text_at`."""
        return text_at(self.body, *path)

    def __contains__(self, name: str) -> bool:
        return name in self.body


def parse(text: str) -> Message:
    """Return the event. Raises ProtocolError for what is not a JSON object with a `type`."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise ProtocolError(f"not JSON: {text[:SHOWN]!r}") from None
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        raise ProtocolError(f"no event, for it has no type: {text[:SHOWN]!r}")
    return Message(body["type"], body)


def text_at(value: object, *path: str) -> str:
    """Return the text at `path` of a JSON value; '' for what is not there or no text.

    Control characters, which a log or a protocol would take for its own, and lone surrogates, which no
    database takes, stay visible as `\\r`, `\\x00` and `\\ud800`, as AMI shows them.
    """
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "backslashreplace").decode().translate(_VISIBLE)


def texts_at(value: object, *path: str) -> Mapping[str, str]:
    """Return the texts of the object at `path`, by name; those that are empty or no text are left out."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, dict):
        return NOTHING
    return {text_at({"": name}, ""): text for name in value if (text := text_at(value, name))}


def time_of(stamp: str) -> float | None:
    """Return UTC epoch seconds of `2026-11-22T17:16:43.676+0000`; None for what is no such time."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo is not None else None
