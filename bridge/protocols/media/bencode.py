"""Bencode, the notation of rtpengine's ng protocol: dictionaries, lists, whole numbers and bytes."""

from __future__ import annotations

from typing import Final

from bridge.errors import ProtocolError

_DEEPEST: Final = 20
_LONGEST_NUMBER: Final = 20

Plain = int | bytes | str | list["Plain"] | dict[str, "Plain"]
"""What is written. Read are int, bytes, list and dict."""


def encode(value: Plain) -> bytes:
    """Return it as bytes; text as UTF-8, the keys of a dictionary in order."""
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, str):
        return encode(value.encode())
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, list):
        return b"l" + b"".join(map(encode, value)) + b"e"
    return b"d" + b"".join(encode(key) + encode(value[key]) for key in sorted(value)) + b"e"


def decode(data: bytes) -> Plain:
    """Read one value. Raises ProtocolError for anything else, and for what follows it."""
    value, end = _read(data, 0, 0)
    if end != len(data):
        raise ProtocolError("bencode: something follows the value")
    return value


def _read(data: bytes, at: int, depth: int) -> tuple[Plain, int]:
    if depth > _DEEPEST:
        raise ProtocolError("bencode: nested too deeply")
    kind = data[at : at + 1]
    if kind == b"i":
        return _read_number(data, at + 1, b"e")
    if kind.isdigit():
        size, start = _read_number(data, at, b":")
        if start + size > len(data):
            raise ProtocolError("bencode: a text is cut off")
        return data[start : start + size], start + size
    if kind in (b"l", b"d"):
        items, end = _read_items(data, at + 1, depth + 1)
        return (items if kind == b"l" else _dictionary(items)), end
    raise ProtocolError("bencode: cut off, or none at all")


def _read_items(data: bytes, at: int, depth: int) -> tuple[list[Plain], int]:
    items: list[Plain] = []
    while data[at : at + 1] != b"e":
        item, at = _read(data, at, depth)
        items.append(item)
    return items, at + 1


def _dictionary(items: list[Plain]) -> dict[str, Plain]:
    keys, values = items[0::2], items[1::2]
    if len(keys) != len(values) or not all(isinstance(key, bytes) for key in keys):
        raise ProtocolError("bencode: a dictionary with a key that is no text, or without value")
    texts = [key.decode(errors="replace") for key in keys if isinstance(key, bytes)]
    return dict(zip(texts, values, strict=True))


def _read_number(data: bytes, at: int, end: bytes) -> tuple[int, int]:
    stop = data.find(end, at, at + _LONGEST_NUMBER + 1)
    text = data[at:stop] if stop > 0 else b""
    if not text.removeprefix(b"-").isdigit():
        raise ProtocolError("bencode: a number that is none")
    return int(text), stop + 1
