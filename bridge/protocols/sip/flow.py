"""Where a message came from and where one goes to, as values that no socket is needed for.

Shared by the user agent, which says on which flow a message is to be sent, and `sip_endpoint`, which has the
sockets and connections.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypeAlias

HostPort: TypeAlias = tuple[str, int]
"""An IP address without brackets, and a port."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A way between two addresses (RFC 5626 section 2 has the word).

    transport: `UDP`, `TCP` or `TLS`. local: as the other side reaches us, for it goes into Via and Contact:
    never 0.0.0.0. connection: the endpoint's own mark of an open connection, None for UDP and for a
    connection that is still to be opened. For the user agent it means nothing.
    """

    transport: str
    local: HostPort
    remote: HostPort
    connection: Hashable = None

    @property
    def reliable(self) -> bool:
        """Whether the transport itself repeats what was lost (RFC 3261 section 17)."""
        return self.transport != "UDP"
