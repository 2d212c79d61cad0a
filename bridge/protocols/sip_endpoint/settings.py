"""What a site sets about the SIP sockets. Part of the configuration of the SIP trigger."""

from __future__ import annotations

import ssl
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bridge.errors import ConfigError
from bridge.protocols.sip.framing import Limits
from bridge.protocols.sip.uri import SIP_PORT, SIPS_PORT
from bridge.protocols.sip_endpoint.dscp import CS3

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Transport = Literal["UDP", "TCP", "TLS"]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Listen(_Settings):
    """One socket. On a machine with several addresses name them instead of 0.0.0.0 or `::`."""

    transport: Transport = "UDP"
    address: Address
    port: int | None = Field(default=None, ge=0, le=65535)
    """5060, for TLS 5061, if none is given. 0: any free one (tests)."""
    advertise: str = ""
    """The host that others reach us by, where that is not `address` (NAT)."""

    @property
    def host(self) -> str:
        return str(self.address)

    @property
    def bound_port(self) -> int:
        if self.port is not None:
            return self.port
        return SIPS_PORT if self.transport == "TLS" else SIP_PORT


class Tls(_Settings):
    """Our certificate, and whom we believe."""

    certificate: Path | None = None
    """PEM file with our certificate and those between it and the authority. A TLS listener needs one."""
    key: Path | None = None
    """PEM file with its key, if it is not in the same file."""
    ca: Path | None = None
    """PEM file with the only authorities to believe; otherwise those of this machine."""
    verify: bool = True
    """`false` believes any server; `sosbridge check` warns as long as it is set."""

    def server_context(self) -> ssl.SSLContext:
        """Build the context for connections that come in. Raises ConfigError."""
        if self.certificate is None:
            raise ConfigError("a TLS listener needs tls.certificate, a PEM file")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._load_certificate(context, self.certificate)
        return context

    def client_context(self) -> ssl.SSLContext:
        """Build the context for connections that we open. Raises ConfigError."""
        try:
            context = ssl.create_default_context(cafile=str(self.ca) if self.ca else None)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"tls.ca {self.ca}: {_unusable(error)}") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.certificate is not None:
            self._load_certificate(context, self.certificate)
        return context

    def _load_certificate(self, context: ssl.SSLContext, certificate: Path) -> None:
        try:
            # An encrypted key must not make the start ask at the terminal.
            context.load_cert_chain(certificate, self.key, password="")
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"tls.certificate {certificate}: {_unusable(error)}") from error


def _unusable(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "it holds no usable PEM certificate and key"
    return error.strerror or type(error).__name__


class Flood(_Settings):
    """How much strangers may send, in messages: those outside the allowed networks, who are not limited."""

    rate: float = Field(default=50.0, gt=0)
    """A second, from one address."""
    burst: int = Field(default=100, ge=1)
    total_rate: float = Field(default=300.0, gt=0)
    """A second, from all strangers together."""
    total_burst: int = Field(default=600, ge=1)


class Connections(_Settings):
    """TCP and TLS."""

    most: int = Field(default=1000, ge=1)
    most_of_strangers: int = Field(default=200, ge=0)
    """Of all strangers together, so that the allowed networks always get through."""
    most_of_one_stranger: int = Field(default=10, ge=0)
    most_of_one_source: int = Field(default=250, ge=1)
    """From one address of the allowed networks."""
    idle: Seconds = 900.0
    """After so long without a whole message or keep-alive a connection that came in is closed."""
    handshake: Seconds = 5.0
    connect: Seconds = 4.0
    ping: Seconds = 30.0
    """How often we keep our own connections open (RFC 5626 section 3.5.1)."""
    unacknowledged: Seconds = 15.0
    """How long the other side's kernel may not confirm what we sent, until the connection counts as cut."""
    unsent: int = Field(default=1_048_576, ge=65_536)
    """Bytes that may wait for a peer that does not read; beyond, the connection is cut."""


class Watchdog(_Settings):
    """The OPTIONS that we send to ourselves."""

    interval: Seconds = 10.0
    patience: Seconds = 2.0
    """How long an answer may take."""
    misses: int = Field(default=2, ge=1)
    """So many in a row unanswered: not healthy."""


class EndpointSettings(_Settings):
    """All of it."""

    listen: tuple[Listen, ...] = Field(min_length=1)
    allowed: tuple[Network, ...] = ()
    """Networks with our telephones and PBXs: never limited, so that no SOS is."""
    dscp: int = Field(default=CS3, ge=0, le=63)
    tls: Tls = Tls()
    flood: Flood = Flood()
    connections: Connections = Connections()
    watchdog: Watchdog = Watchdog()
    limits: Limits = Limits()
    """Of one message."""
    receive_buffer: int = Field(default=4_194_304, ge=65_536)
    """Bytes that the kernel keeps for a UDP socket, if net.core.rmem_max lets it."""

    @model_validator(mode="after")
    def _can_listen(self) -> Self:
        if self.tls.certificate is None and any(listen.transport == "TLS" for listen in self.listen):
            raise ValueError("a TLS listener needs tls.certificate, a PEM file")
        fixed = [
            (listen.transport != "UDP", listen.address, listen.bound_port)
            for listen in self.listen
            if listen.bound_port
        ]
        if len(fixed) > len(set(fixed)):
            raise ValueError("two listeners have the same address and port")
        return self
