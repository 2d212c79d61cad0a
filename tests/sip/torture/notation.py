"""The notation of RFC 4475 section 2 for bytes that cannot be printed, turned back into bytes."""

from __future__ import annotations

import re

_REPEAT = re.compile(r"<repeat count=(\d+)>(.*?)</repeat>")
_HEX = re.compile(r"<hex>(.*?)</hex>", re.DOTALL)


def message(text: str) -> bytes:
    """Return the message that `text` shows: its lines end in CRLF, the first line break is left out.

    `<repeat count=3>ab</repeat>` stands for `ababab`, `<hex>00</hex>` for a NUL; the digits may be spread
    over several lines.
    """
    text = _REPEAT.sub(lambda match: match[2] * int(match[1]), text.removeprefix("\n"))
    pieces = _HEX.split(text)
    shown = [piece.replace("\n", "\r\n").encode() for piece in pieces[::2]]
    hidden = [bytes.fromhex("".join(piece.split())) for piece in pieces[1::2]]
    return b"".join(part for pair in zip(shown, [*hidden, b""], strict=True) for part in pair)


def description(host: str, start: str = "0") -> str:
    """Return the session description that most messages of RFC 4475 carry."""
    return f"""\
v=0
o=mhandley 29739 7272939 IN IP4 {host}
s=-
c=IN IP4 {host}
t={start} 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
"""
