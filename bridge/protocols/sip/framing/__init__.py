"""Bytes -> messages. `datagram` for UDP, `stream` for TCP and TLS; neither knows a socket."""

from bridge.protocols.sip.framing.datagram import parse_datagram
from bridge.protocols.sip.framing.head import KeepAlive
from bridge.protocols.sip.framing.limits import Limits
from bridge.protocols.sip.framing.stream import StreamFramer

__all__ = ["KeepAlive", "Limits", "StreamFramer", "parse_datagram"]
