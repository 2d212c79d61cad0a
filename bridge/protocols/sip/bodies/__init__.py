"""What a message carries besides SDP: several parts, a position, words about the caller."""

from bridge.protocols.sip.bodies.caller_facts import caller_facts
from bridge.protocols.sip.bodies.parts import Part, parts_of

__all__ = ["Part", "caller_facts", "parts_of"]
