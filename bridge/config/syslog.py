"""The syslog servers of a site file. Used by `sections`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from bridge.config.fields import Name, Seconds, Section, Switch, refuse
from bridge.protocols.syslog import SHORTEST_LIMIT, Facility
from bridge.protocols.syslog_settings import PORTS, SyslogServer, SyslogTls, Transport

FacilityName = Literal[
    "user",
    "daemon",
    "auth",
    "authpriv",
    "audit",
    "alert",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
]


class SyslogSection(Section):
    """A server that is told every line of every incident's story, and every fault."""

    name: Name
    """How messages and metrics call it. How far it is, is kept under this name."""
    host: str
    """Its name or address; of IPv6 without brackets."""
    transport: Transport
    """`tls`, `tcp` or `udp`. By `udp` nothing can be known of what arrives."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Default: the registered one: 6514 (`tls`), 601 (`tcp`), 514 (`udp`)."""
    tls: SyslogTls = SyslogTls()
    """Whom it believes, and how it shows who it is: `ca`, `verify`, `certificate`, `key`."""
    facility: FacilityName = "local0"
    """Facility of every message."""
    enterprise: Annotated[int, Field(ge=1, le=2**32 - 1)] = 32473
    """Private enterprise number in the name of the structured data. The default is the one for examples."""
    max_bytes: Annotated[int, Field(ge=SHORTEST_LIMIT, le=8192)] = 2048
    """A longer message is cut."""
    start: Literal["now", "beginning"] = "now"
    """What the first start sends of the past: nothing, or everything."""
    confirm: Switch = True
    """Whether a connection is ended now and then, to see that the server has read it to its end."""
    away_after: Seconds = 30.0
    """When nothing gets through for so long, it is a fault."""

    @field_validator("host")
    @classmethod
    def _host_alone(cls, host: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f.]*(?::[0-9A-Fa-f.]*){2,7}", host):
            raise refuse("must be a name or an address, without a port (that is `port`)")
        return host

    def server(self) -> SyslogServer:
        """Return the server with every default filled in."""
        return SyslogServer(
            name=self.name,
            host=self.host,
            port=self.port or PORTS[self.transport],
            transport=self.transport,
            facility=Facility[self.facility.upper()],
            enterprise=self.enterprise,
            tls=self.tls,
            max_bytes=self.max_bytes,
            from_beginning=self.start == "beginning",
            away_after=self.away_after,
            confirm=self.confirm,
        )
