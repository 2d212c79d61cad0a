"""Requests and responses: what `framing` reads and everybody else works with.

Header fields are kept as text and read as values on first use; a field that cannot be read raises
`MalformedError` where it is used, not before. Those without which there is no transaction (Via, From, To,
Call-ID, CSeq) are checked by `framing`, so that a message that came in always has them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import in_range, require_clean, require_token, split_list
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.headers.allow import Allow
from bridge.protocols.sip.headers.auth_params import is_digest
from bridge.protocols.sip.headers.call_id import CallId
from bridge.protocols.sip.headers.call_info import CallInfo
from bridge.protocols.sip.headers.challenge import Challenge
from bridge.protocols.sip.headers.contact import ALL_CONTACTS, AllContacts, Contact
from bridge.protocols.sip.headers.content_disposition import ContentDisposition
from bridge.protocols.sip.headers.credentials import Credentials
from bridge.protocols.sip.headers.cseq import CSeq
from bridge.protocols.sip.headers.delta_seconds import DeltaSeconds
from bridge.protocols.sip.headers.geolocation import Geolocation
from bridge.protocols.sip.headers.max_forwards import MaxForwards
from bridge.protocols.sip.headers.media_type import MediaType
from bridge.protocols.sip.headers.option_tags import OptionTags
from bridge.protocols.sip.headers.rack import RAck
from bridge.protocols.sip.headers.reason import Reason
from bridge.protocols.sip.headers.replaces import Replaces
from bridge.protocols.sip.headers.retry_after import RetryAfter
from bridge.protocols.sip.headers.rseq import RSeq
from bridge.protocols.sip.headers.session_expires import SessionExpires
from bridge.protocols.sip.headers.sip_date import SipDate
from bridge.protocols.sip.headers.token_list import TokenList
from bridge.protocols.sip.headers.via import Via
from bridge.protocols.sip.headers.warning import SipWarning
from bridge.protocols.sip.message.fields import Headers
from bridge.protocols.sip.message.malformed import MalformedError
from bridge.protocols.sip.message.reading import Combined, Each, Listed, Optional, Required
from bridge.protocols.sip.message.status import reason_of
from bridge.protocols.sip.uri import SipUri, Uri


def _first_via(line: str) -> Via:
    return Via.parse(split_list(line)[0])


_cseq = lru_cache(maxsize=1024)(CSeq.parse)
"""Nearly all are `1 INVITE`, `2 BYE` and the like."""


def _contacts(lines: Sequence[str]) -> tuple[Contact, ...] | AllContacts:
    values = [value for line in lines for value in split_list(line)]
    if values == ["*"]:
        return ALL_CONTACTS
    return tuple(map(Contact.parse, values))


def _challenges(lines: Sequence[str]) -> tuple[Challenge, ...]:
    return tuple(Challenge.parse(line) for line in lines if is_digest(line))


def _credentials(lines: Sequence[str]) -> tuple[Credentials, ...]:
    return tuple(Credentials.parse(line) for line in lines if is_digest(line))


_ESSENTIAL: Final[tuple[tuple[str, str, Callable[[str], object]], ...]] = (
    ("Via", "via", _first_via),
    ("From", "from_", Address.parse),
    ("To", "to", Address.parse),
    ("Call-ID", "call_id", CallId.parse),
    ("CSeq", "cseq", _cseq),
)


class Message:
    """What requests and responses have in common. The numbers are sections of RFC 3261."""

    headers: Headers
    body: bytes

    via = Required("Via", _first_via)
    """The last hop (20.42)."""
    vias = Listed("Via", Via.parse_list)
    from_ = Required("From", Address.parse)
    """20.20"""
    to = Required("To", Address.parse)
    """20.39"""
    call_id = Required("Call-ID", CallId.parse)
    """20.8"""
    cseq = Required("CSeq", _cseq)
    """20.16"""
    max_forwards = Optional("Max-Forwards", MaxForwards.parse)
    """20.22"""
    contacts = Combined("Contact", _contacts)
    """All of them, or `ALL_CONTACTS` for `*` (20.10)."""
    routes = Listed("Route", Address.parse_list)
    """20.34"""
    record_routes = Listed("Record-Route", Address.parse_list)
    """20.30"""
    expires = Optional("Expires", DeltaSeconds.parse)
    """20.19"""
    min_expires = Optional("Min-Expires", DeltaSeconds.parse)
    """20.23"""
    retry_after = Optional("Retry-After", RetryAfter.parse)
    """20.33"""
    date = Optional("Date", SipDate.parse)
    """20.17"""
    require = Each("Require", OptionTags.parse)
    """20.32"""
    proxy_require = Each("Proxy-Require", OptionTags.parse)
    """20.29"""
    supported = Each("Supported", OptionTags.parse)
    """20.37"""
    unsupported = Each("Unsupported", OptionTags.parse)
    """20.40"""
    allow = Each("Allow", Allow.parse)
    """20.5"""
    accept = Listed("Accept", MediaType.parse_list)
    """20.1; ask the headers whether there is one: an empty Accept accepts nothing."""
    content_type = Optional("Content-Type", MediaType.parse)
    """20.15"""
    content_disposition = Optional("Content-Disposition", ContentDisposition.parse)
    """20.11"""
    content_encoding = Each("Content-Encoding", TokenList.parse)
    """20.12"""
    challenges = Combined("WWW-Authenticate", _challenges)
    """The Digest challenges of a server (20.44); other schemes are left out."""
    proxy_challenges = Combined("Proxy-Authenticate", _challenges)
    """Those of a proxy (20.27)."""
    authorizations = Combined("Authorization", _credentials)
    """Digest credentials for a server (20.7), one for each realm; other schemes are left out."""
    proxy_authorizations = Combined("Proxy-Authorization", _credentials)
    """Those for a proxy (20.28)."""
    session_expires = Optional("Session-Expires", SessionExpires.parse)
    """RFC 4028"""
    min_se = Optional("Min-SE", DeltaSeconds.parse)
    """RFC 4028"""
    rseq = Optional("RSeq", RSeq.parse)
    """RFC 3262"""
    rack = Optional("RAck", RAck.parse)
    """RFC 3262"""
    reasons = Listed("Reason", Reason.parse_list)
    """RFC 3326"""
    replaces = Optional("Replaces", Replaces.parse)
    """RFC 3891"""
    refer_to = Optional("Refer-To", Address.parse)
    """RFC 3515"""
    asserted_identities = Listed("P-Asserted-Identity", Address.parse_list)
    """RFC 3325. Worth as much as whoever sent it is trusted."""
    diversions = Listed("Diversion", Address.parse_list)
    """RFC 5806"""
    geolocations = Listed("Geolocation", Geolocation.parse_list)
    """RFC 6442"""
    call_infos = Listed("Call-Info", CallInfo.parse_list)
    """20.9"""
    warnings = Listed("Warning", SipWarning.parse_list)
    """20.43"""

    def check(self) -> None:
        """Read the fields without which there is no transaction (8.1.1). Raises MalformedError.

        From, To, Call-ID and CSeq must stand exactly once (RFC 4475 section 3.3.8).
        """
        values = self.__dict__
        for name, attribute, parse in _ESSENTIAL:
            lines = self.headers.all(name)
            if len(lines) != 1 and (not lines or name != "Via"):
                raise self.malformed(f"{name} stands {len(lines)} times, not once")
            try:
                values[attribute] = parse(lines[0])
            except ProtocolError as error:
                raise self.malformed(f"{name}: {error}") from error

    @property
    def contact(self) -> Contact | None:
        """The one contact of a dialog's message, None where there is none (12.1.1). Raises MalformedError."""
        contacts = self.contacts
        if isinstance(contacts, AllContacts):
            raise self.malformed("Contact: * in a message that is no REGISTER")
        return contacts[0] if contacts else None

    @property
    def start_line(self) -> str:
        raise NotImplementedError

    def malformed(self, text: str) -> MalformedError:
        """Return the error that says what is wrong with this message."""
        raise NotImplementedError

    def __bytes__(self) -> bytes:
        """Return the message for the wire, with the Content-Length that is right (20.14).

        Raises ProtocolError on CR, LF or NUL in any value, and on a body that does not say what it is.
        """
        lines = [self.start_line]
        lines += [f"{name}: {value}" for name, value in self.headers if name != "Content-Length"]
        lines.append(f"Content-Length: {len(self.body)}")
        head = "\r\n".join(lines)
        if not head.count("\r") == head.count("\n") == len(lines) - 1 or "\0" in head:
            for line in lines:
                require_clean(line, f"the field {line.partition(':')[0]}")
        if self.body and "Content-Type" not in self.headers:
            raise ProtocolError("a body without Content-Type")
        try:
            return head.encode() + b"\r\n\r\n" + self.body
        except UnicodeEncodeError:
            raise ProtocolError("a message with half a character in it") from None


@dataclass(frozen=True)
class Request(Message):
    """A request. The body is bytes, whatever it is."""

    method: str
    uri: Uri
    headers: Headers
    body: bytes = b""

    @property
    def start_line(self) -> str:
        """The Request-Line (7.1). Raises ProtocolError."""
        uri = self.uri.bare() if isinstance(self.uri, SipUri) else self.uri
        return f"{require_token(self.method, 'a method')} {uri} SIP/2.0"

    def malformed(self, text: str) -> MalformedError:
        return MalformedError(text, method=self.method, headers=self.headers, request=self)


@dataclass(frozen=True)
class Response(Message):
    """A response. `reason` is for people; '' stands for the usual one of `status`."""

    status: int
    headers: Headers
    body: bytes = b""
    reason: str = ""

    @property
    def start_line(self) -> str:
        """The Status-Line (7.2). Raises ProtocolError."""
        status = in_range(self.status, "a status", smallest=100, largest=699)
        return f"SIP/2.0 {status} {self.reason or reason_of(status)}"

    @property
    def provisional(self) -> bool:
        return self.status < 200

    @property
    def final(self) -> bool:
        return self.status >= 200

    @property
    def successful(self) -> bool:
        return 200 <= self.status < 300

    def malformed(self, text: str) -> MalformedError:
        return MalformedError(text, headers=self.headers)


AnyMessage: TypeAlias = Request | Response
