"""Asterisk Manager Interface on the wire: bytes to messages, actions to bytes. Pure, no sockets.

One parser serves the live link (`ami_link`), recorded dialogues and replay, so that what is tested on a
recording is what runs at night. Sources: Asterisk `main/manager.c` and the AMI v2 draft of the Asterisk wiki;
what differs was measured on 16.28 and 22.10.

    parser = Parser()
    for item in parser.feed(data):          # any split of the stream gives the same items
        match item:
            case ProtocolError(): ...       # a block that breaks a limit: in its place, nothing else is lost
            case Message(): item.event, item.get("Uniqueid"), item.all("ChanVariable")
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from bridge.errors import ProtocolError

BANNER: Final = b"Asterisk Call Manager/"

MAX_MESSAGE: Final = 1024 * 1024
"""Bytes of one incoming message. Asterisk's own are below 10 kB; a list answer is many messages."""
MAX_LINE: Final = 64 * 1024
MAX_HEADERS: Final = 1000

MAX_SENT_LINE: Final = 1022
"""Bytes of one outgoing line without its CR LF: with one more, Asterisk 16 and 22 refuse the whole action
("Failed to parse message"; measured)."""
MAX_SENT_HEADERS: Final = 128
"""Headers of one action, Action and ActionID included, that Asterisk 16 and 22 take (measured)."""

Headers = Mapping[str, str] | Iterable[tuple[str, str]]

_HEADER_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_FORBIDDEN: Final = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]")
"""Characters that end or could end a line for some reader. None has a place in an action."""
_RESERVED: Final = frozenset({"action", "actionid"})
_BLANK_LINE: Final = b"\n\n"


class Message:
    """One event or response as it came. Headers are read on first use: most events are never looked into.

    Text is UTF-8; a byte that is not stays visible as `\\xNN` (that can be stored and shown anywhere, which a
    lone surrogate cannot), and so does NUL, which PostgreSQL refuses. Names compare without case.
    """

    __slots__ = ("_lowered", "raw")

    def __init__(self, raw: bytes) -> None:
        """`raw`: the lines of the message, ended by LF alone, without the blank line."""
        self.raw = raw
        self._lowered = b""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Every header in order, repeated ones included. A line without a colon has the name ''."""
        return [_split_header(line) for line in _as_text(self.raw).split("\n")]

    def get(self, name: str, default: str = "") -> str:
        """The first value of header `name`."""
        start = self._value_at(name)
        return default if start < 0 else self._value(start)

    def all(self, name: str) -> list[str]:
        """Every value of header `name`, in order."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    def __contains__(self, name: str) -> bool:
        return self._value_at(name) >= 0

    def __getitem__(self, name: str) -> str:
        start = self._value_at(name)
        if start < 0:
            raise KeyError(name)
        return self._value(start)

    def _value_at(self, name: str) -> int:
        """Where the value of `name` begins in `raw`; -1 without such a header.

        Three times as fast as splitting all headers for the handful that are looked at. Lowering bytes
        changes ASCII letters only, so positions stay true.
        """
        if not self._lowered:
            self._lowered = b"\n" + self.raw.lower()
        line_start = self._lowered.find(_needle(name))
        return -1 if line_start < 0 else line_start + len(name) + 1

    def _value(self, start: int) -> str:
        end = self.raw.find(b"\n", start)
        return _as_text(self.raw[start : end if end >= 0 else None].removeprefix(b" "))

    @property
    def event(self) -> str:
        """The event's name, '' for a response. Reads no more than the first line where that tells it."""
        if self.raw.startswith(b"Event: "):
            return self._value(6)
        return "" if self.raw.startswith(b"Response: ") else self.get("Event")

    @property
    def response(self) -> str:
        """`Success`, `Error` or `Goodbye`; '' for an event, though OriginateResponse has such a header."""
        return "" if self.event else self.get("Response")

    @property
    def action_id(self) -> str:
        """The ActionID this message answers, or ''. Reads no header where there is none."""
        return self.get("ActionID") if b"\nActionID: " in self.raw else ""

    @property
    def id(self) -> str:
        """What panoramisk looks up in its table of open actions."""
        return self.action_id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"<Message {_excerpt(self.raw)}>"


class Parser:
    """Incremental: feed it what the socket gave, get the messages that are complete by now.

    `version` is set once the banner line was seen ("9.0.0"). A stream without a banner is read all the
    same, since recordings start anywhere; the link insists on it before it logs in.
    """

    def __init__(self) -> None:
        self.version = ""
        self._pending = bytearray()
        self._scanned = 0
        """Bytes of `_pending` known to hold no end of a message, so that a long one is not searched again."""
        self._held_cr = False
        self._at_start = True
        self._skipping = False

    def feed(self, data: bytes) -> list[Message | ProtocolError]:
        """Return what is complete now; a block that cannot be used comes as the error that says why.

        Never raises. Memory is bounded by MAX_MESSAGE: the error for a longer block comes as soon as it is
        too long, and reading goes on behind the next blank line.
        """
        self._pending += self._with_plain_line_ends(data)
        if self._at_start and self._awaits_banner():
            return []
        return self._take_blocks()

    def _with_plain_line_ends(self, data: bytes) -> bytes:
        """CR LF becomes LF wherever the read was split; a lone CR is data and stays."""
        if self._held_cr:
            data = b"\r" + data
        self._held_cr = data.endswith(b"\r")
        if self._held_cr:
            data = data[:-1]
        return data.replace(b"\r\n", b"\n")

    def _awaits_banner(self) -> bool:
        """Whether the first line may still become the banner. It is the only line no blank line follows."""
        end = self._pending.find(b"\n", 0, MAX_LINE)
        begins_so = BANNER.startswith(bytes(self._pending[: len(BANNER)]))
        if end < 0 and begins_so and len(self._pending) < MAX_LINE:
            return True
        if end >= 0 and self._pending.startswith(BANNER):
            self.version = _as_text(bytes(self._pending[len(BANNER) : end]))
            del self._pending[: end + 1]
        self._at_start = False
        return False

    def _take_blocks(self) -> list[Message | ProtocolError]:
        if self._pending.find(_BLANK_LINE, max(0, self._scanned - 1)) < 0:
            return self._wait_for_more()
        *blocks, rest = bytes(self._pending).split(_BLANK_LINE)
        if self._skipping:
            del blocks[0]
            self._skipping = False
        items = [_checked(block) for block in (block.lstrip(b"\n") for block in blocks) if block]
        self._pending = bytearray(rest)
        return items + self._wait_for_more()

    def _wait_for_more(self) -> list[Message | ProtocolError]:
        """Keep the incomplete rest; once it is too long for a message, keep only what may end it."""
        if self._skipping:
            del self._pending[:-1]
        else:
            self._pending = self._pending.lstrip(b"\n")
        self._scanned = len(self._pending)
        # Its last byte may be the first half of the blank line, so one more than the limit is still good.
        if self._scanned <= MAX_MESSAGE + 1:
            return []
        self._skipping = True
        error = _too_long(bytes(self._pending[:200]))
        del self._pending[:-1]
        self._scanned = 1
        return [error]


def encode_action(name: str, headers: Headers = (), *, action_id: str) -> bytes:
    """Return the bytes of one action.

    headers: in order; a name may repeat (`Variable`). Values are sent as UTF-8.
    Raises ProtocolError where a name or value would not arrive as it is: a control or line-ending character
    (it could smuggle in a second action), a line or a number of headers beyond what Asterisk reads.
    """
    pairs = [("Action", name), ("ActionID", action_id)]
    for header, value in headers.items() if isinstance(headers, Mapping) else headers:
        if header.lower() in _RESERVED:
            raise ProtocolError(f"AMI action {name!r}: header {header} is set by the link itself")
        pairs.append((header, value))
    if len(pairs) > MAX_SENT_HEADERS:
        raise ProtocolError(
            f"AMI action {name!r}: more than {MAX_SENT_HEADERS} headers, Asterisk takes no more"
        )
    return b"".join([_encode_line(name, header, value) for header, value in pairs]) + b"\r\n"


def _encode_line(action: str, header: str, value: str) -> bytes:
    if not _HEADER_NAME.fullmatch(header):
        raise ProtocolError(f"AMI action {action!r}: {header!r} is no header name")
    forbidden = _FORBIDDEN.search(value)
    if forbidden:
        raise ProtocolError(
            f"AMI action {action!r}: header {header} holds the control character {forbidden[0]!r}, refused"
        )
    try:
        line = f"{header}: {value}".encode()
    except UnicodeEncodeError:
        raise ProtocolError(f"AMI action {action!r}: header {header} holds text that is no Unicode") from None
    if len(line) > MAX_SENT_LINE:
        raise ProtocolError(
            f"AMI action {action!r}: header {header} has {len(line)} bytes, Asterisk takes {MAX_SENT_LINE}"
        )
    return line + b"\r\n"


def _checked(block: bytes) -> Message | ProtocolError:
    if len(block) > MAX_MESSAGE:
        return _too_long(block[:200])
    if len(block) > MAX_HEADERS and block.count(b"\n") >= MAX_HEADERS:
        return ProtocolError(f"AMI message has more than {MAX_HEADERS} headers: {_excerpt(block)}")
    if len(block) > MAX_LINE and max(map(len, block.split(b"\n"))) > MAX_LINE:
        return ProtocolError(f"AMI message has a line of more than {MAX_LINE} bytes: {_excerpt(block)}")
    if b":" not in block:
        return ProtocolError(f"not an AMI message, it has no header: {_excerpt(block)}")
    return Message(block)


def _too_long(start: bytes) -> ProtocolError:
    return ProtocolError(f"AMI message is longer than {MAX_MESSAGE} bytes: {_excerpt(start)}")


@lru_cache(maxsize=1024)
def _needle(name: str) -> bytes:
    return b"\n" + name.lower().encode() + b":"


def _split_header(line: str) -> tuple[str, str]:
    """One space behind the colon is the protocol's; a dialplan's UserEvent may leave it out."""
    name, found, value = line.partition(":")
    return (name, value.removeprefix(" ")) if found else ("", line)


def _as_text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def _excerpt(raw: bytes) -> str:
    return repr(_as_text(raw[:100])) + ("..." if len(raw) > 100 else "")
