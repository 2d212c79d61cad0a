"""SOAP 1.2 envelopes: written as text, read with bounds. Pure; called by the services beside it.

A fault tells the truth whatever HTTP status it came with: cameras send them with 400, 401, 500 and 200.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import ParseError, iterparse

from bridge.errors import ProtocolError
from bridge.protocols.template import escape_xml

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 40
"""Elements within elements; the deepest of the answers that are read has about 15."""

NAMESPACES: Final = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "wsa": "http://www.w3.org/2005/08/addressing",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "tt": "http://www.onvif.org/ver10/schema",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "tptz": "http://www.onvif.org/ver20/ptz/wsdl",
}
"""prefix -> namespace, for everything that we write."""

_DECLARATIONS: Final = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in NAMESPACES.items())


@dataclass(frozen=True, slots=True)
class Message:
    """One question. inner: what stands within its element, already escaped.

    action: where it is not the service's namespace with the name behind it.
    """

    prefix: str
    name: str
    inner: str = ""
    action: str = ""

    @property
    def body(self) -> str:
        return f"<{self.prefix}:{self.name}>{self.inner}</{self.prefix}:{self.name}>"

    @property
    def soap_action(self) -> str:
        return self.action or f"{NAMESPACES[self.prefix]}/{self.name}"


@dataclass(frozen=True, slots=True)
class Fault:
    """What a SOAP fault says (SOAP 1.2 part 1, 5.4), in local names; the outermost subcode first."""

    code: str
    subcodes: tuple[str, ...]
    reason: str

    @property
    def unauthorized(self) -> bool:
        """`ter:NotAuthorized`, or what WS-Security calls it; some cameras say it in words only."""
        names = {"NotAuthorized", "FailedAuthentication", "InvalidSecurity", "InvalidSecurityToken"}
        return bool(names.intersection(self.subcodes)) or "not authorized" in self.reason.lower()

    @property
    def passing(self) -> bool:
        """Whether it may work later: the camera's own trouble, and not something that it does not have."""
        never = {"ActionNotSupported", "OptionalActionNotImplemented", "NoHomePosition"}
        return self.code in ("Receiver", "Server") and not never.intersection(self.subcodes)

    def __str__(self) -> str:
        return f"{'/'.join((self.code, *self.subcodes))}: {self.reason or 'no reason given'}"


def element(name: str, text: str) -> str:
    """Return `<name>text</name>` with `text` escaped. Raises ProtocolError on a control character."""
    return f"<{name}>{checked_text(text)}</{name}>"


def checked_text(text: str) -> str:
    """Return `text` escaped for XML. Raises ProtocolError on a control character: it is no name or token."""
    if any(char < " " or char == "\x7f" for char in text):
        raise ProtocolError(f"a value for the camera holds a control character: {text!r:.60}")
    return escape_xml(text)


def write_envelope(body: str, header: str = "") -> bytes:
    """Return the envelope around `body`; both are XML already."""
    head = f"<s:Header>{header}</s:Header>" if header else ""
    text = f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope {_DECLARATIONS}>{head}<s:Body>{body}</s:Body>'
    return f"{text}</s:Envelope>".encode()


def read_envelope(data: bytes) -> Element | Fault:
    """Return the first element of the body, or the fault. Raises ProtocolError on anything else."""
    root = _read_xml(data)
    body = child(root, "Body")
    content = next(iter(body), None) if name_of(root) == "Envelope" and body is not None else None
    if content is None:
        raise ProtocolError("the answer is no SOAP message")
    return _read_fault(content) if name_of(content) == "Fault" else content


def _read_xml(data: bytes) -> Element:
    if len(data) > MAX_BYTES:
        raise ProtocolError(f"the answer is larger than {MAX_BYTES} bytes")
    if b"<html" in data[:1024].lower():
        raise ProtocolError("it answered with a web page instead of SOAP (wrong address, a log-in page?)")
    depth = 0
    root: Element | None = None
    try:
        for kind, node in iterparse(io.BytesIO(data), events=("start", "end"), forbid_dtd=True):
            root = node if root is None else root
            depth += 1 if kind == "start" else -1
            if depth > MAX_DEPTH:
                raise ProtocolError("the answer is nested too deeply")
    except (ParseError, ValueError, LookupError) as error:  # malformed; a DTD; an unknown encoding
        raise ProtocolError(f"the answer is not XML, or not all of it ({type(error).__name__})") from None
    if root is None:
        raise ProtocolError("the answer is empty")
    return root


def _read_fault(fault: Element) -> Fault:
    if (old := text_at(fault, "faultcode")) or child(fault, "Code") is None:  # SOAP 1.1, section 4.4
        return Fault(_local(old), (), text_at(fault, "faultstring"))
    subcodes = []
    code = node_at(fault, "Code")
    value = text_at(fault, "Code", "Value")
    while code is not None and (code := child(code, "Subcode")) is not None:
        subcodes.append(_local(text_at(code, "Value")))
    return Fault(_local(value), tuple(subcodes), text_at(fault, "Reason", "Text"))


def _local(qualified: str) -> str:
    return qualified.rpartition(":")[2]


# --- looking into an answer ----------------------------------------------------------------------------


def name_of(node: Element) -> str:
    """The local name of an element."""
    return str(node.tag).rpartition("}")[2]


def children(node: Element, name: str) -> Iterator[Element]:
    """Yield the direct children with this local name."""
    return (each for each in node if name_of(each) == name)


def child(node: Element, name: str) -> Element | None:
    """Return the first direct child with this local name."""
    return next(children(node, name), None)


def node_at(node: Element, *path: str) -> Element | None:
    """Follow local names downwards, the first of each."""
    found: Element | None = node
    for name in path:
        if found is None:
            return None
        found = child(found, name)
    return found


def text_at(node: Element, *path: str) -> str:
    """Return the text there, without the blanks around it; '' where there is none."""
    found = node_at(node, *path)
    return (found.text or "").strip() if found is not None else ""


def attribute(node: Element, name: str) -> str:
    """Return an attribute by its local name; '' where there is none."""
    return next((value for key, value in node.attrib.items() if key.rpartition("}")[2] == name), "")
