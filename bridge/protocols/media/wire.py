"""What goes between the user agent and its media process: one JSON object a line.

    parent: {"id": 7, "do": "open", "leg": "phone-1", ...}
    child:  {"id": 7, "result": {...}}   or   {"id": 7, "error": "why not"}
    child:  {"event": "digit", "leg": "phone-1", "digit": "1"}

The child's first line is {"event": "hello", "version": VERSION, "pid": ...}: a parent that was upgraded
under a running child of another version starts a new one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from bridge.errors import ProtocolError

VERSION: Final = 1
MAX_LINE: Final = 64 * 1024
"""Bytes of a line; a list of prompts is the longest thing that is ever said."""


def encode(message: Mapping[str, Any]) -> bytes:
    """Return the line. Raises ProtocolError when it is too long."""
    line = json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    if len(line) > MAX_LINE:
        raise ProtocolError(f"media: a message of {len(line)} bytes; at most {MAX_LINE}")
    return line


def decode(line: bytes) -> dict[str, Any]:
    """Read one line. Raises ProtocolError for anything but a JSON object."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"media: a line that is no JSON: {line[:40]!r}") from error
    if not isinstance(message, dict):
        raise ProtocolError(f"media: a line that is no object: {line[:40]!r}")
    return message


class Lines:
    """Cuts what arrives into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, received: bytes) -> list[bytes]:
        """Return the lines that are whole by now. Raises ProtocolError for one that is too long."""
        *lines, self._rest = (self._rest + received).split(b"\n")
        if len(self._rest) > MAX_LINE:
            self._rest = b""
            raise ProtocolError(f"media: a line of more than {MAX_LINE} bytes")
        return lines
