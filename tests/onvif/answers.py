"""Answers as cameras send them, for tests of what reads them."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from bridge.protocols.onvif.soap import Fault, read_envelope, write_envelope


def answer(inner: str, name: str = "AnyResponse") -> Element:
    """Return the first element of a body, with `inner` in it."""
    content = read_envelope(write_envelope(f"<{name}>{inner}</{name}>"))
    assert not isinstance(content, Fault)
    return content
