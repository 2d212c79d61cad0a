"""Call-Info (RFC 3261 section 20.9): pages about the caller; RFC 7852 puts emergency data there.

Called by `message` and `bodies.caller_facts`.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.protocols.sip.headers.link import Link


@dataclass(frozen=True, slots=True)
class CallInfo(Link):
    @property
    def purpose(self) -> str:
        """`icon`, `info`, `card`, `EmergencyCallData...` as written, or ''."""
        return self.params.get("purpose")
