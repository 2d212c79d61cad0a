"""A receiver's view of a syslog message: a strict parser written from the ABNF of RFC 5424, section 6.

It shares nothing with the code that it judges. What the grammar does not allow raises ValueError.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PRINTABLE = rb"[\x21-\x7e]"
NAME = rb"[\x21\x23-\x3c\x3e-\x5c\x5e-\x7e]{1,32}"
HEADER = re.compile(
    rb"<(?P<pri>0|[1-9][0-9]{0,2})>(?P<version>[1-9][0-9]{0,2}) (?P<time>-|[0-9T:.Z+-]+)"
    rb" (?P<host>" + PRINTABLE + rb"{1,255}) (?P<app>" + PRINTABLE + rb"{1,48})"
    rb" (?P<proc>" + PRINTABLE + rb"{1,128}) (?P<msgid>" + PRINTABLE + rb"{1,32}) "
)
TIME = re.compile(
    rb"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    rb"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
VALUE = re.compile(rb"(?P<name>" + NAME + rb')="(?P<value>(?:[^"\\\]]|\\.)*)"', re.DOTALL)


@dataclass(frozen=True)
class Parsed:
    facility: int
    severity: int
    time: str
    host: str
    app: str
    proc: str
    msgid: str
    elements: dict[str, dict[str, str]]
    text: str
    bom: bool


def parse(raw: bytes) -> Parsed:
    header = HEADER.match(raw)
    if header is None or header["version"] != b"1" or int(header["pri"]) > 191:
        raise ValueError(f"no header: {raw!r}")
    if header["time"] != b"-" and not TIME.fullmatch(header["time"]):
        raise ValueError(f"no time: {raw!r}")
    elements, rest = _elements(raw[header.end() :])
    if rest and not rest.startswith(b" "):
        raise ValueError(f"no blank before the text: {raw!r}")
    text = rest[1:]
    bom = text.startswith(b"\xef\xbb\xbf")
    if not bom and any(byte > 126 or byte < 32 for byte in text):
        raise ValueError(f"the text is not ASCII and does not say what it is: {raw!r}")
    facility, severity = divmod(int(header["pri"]), 8)
    host, app, proc, msgid = (header[name].decode() for name in ("host", "app", "proc", "msgid"))
    shown = text.removeprefix(b"\xef\xbb\xbf").decode()
    time = header["time"].decode()
    return Parsed(facility, severity, time, host, app, proc, msgid, elements, shown, bom)


def _elements(raw: bytes) -> tuple[dict[str, dict[str, str]], bytes]:
    if raw.startswith(b"-"):
        return {}, raw[1:]
    found: dict[str, dict[str, str]] = {}
    while raw.startswith(b"["):
        opening = re.match(rb"\[(" + NAME + rb")", raw)
        if opening is None or opening[1].decode() in found:
            raise ValueError(f"no SD-ID, or twice the same: {raw!r}")
        values = found.setdefault(opening[1].decode(), {})
        raw = raw[opening.end() :]
        while raw.startswith(b" "):
            value = VALUE.match(raw, 1)
            if value is None:
                raise ValueError(f"no parameter: {raw!r}")
            text = re.sub(rb'\\(["\\\]])', rb"\1", value["value"])
            values[value["name"].decode()] = text.decode("utf-8", "strict")
            raw = raw[value.end() :]
        if not raw.startswith(b"]"):
            raise ValueError(f"the element does not end: {raw!r}")
        raw = raw[1:]
    if not found:
        raise ValueError(f"no structured data: {raw!r}")
    return found, raw


def frames(stream: bytes) -> tuple[list[bytes], bytes]:
    """Split what came in a stream (RFC 6587, octet counting) into messages and an unfinished rest."""
    found = []
    while match := re.match(rb"([1-9][0-9]{0,7}) ", stream):
        end = match.end() + int(match[1])
        if end > len(stream):
            break
        found.append(stream[match.end() : end])
        stream = stream[end:]
    if stream and not re.match(rb"[1-9][0-9]{0,7}( |$)", stream):
        raise ValueError(f"no octet count: {stream[:80]!r}")
    return found, stream
