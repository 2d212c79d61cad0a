"""Where a syslog server is and how it is spoken to. Made from the site file by `bridge.config.syslog`."""

from __future__ import annotations

import enum
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pydantic import model_validator

from bridge.errors import ConfigError
from bridge.protocols.http_settings import TlsSettings
from bridge.protocols.syslog import Facility


class Transport(enum.StrEnum):
    UDP = "udp"
    """RFC 5426: a datagram a message."""
    TCP = "tcp"
    """RFC 6587: a stream, octet counting."""
    TLS = "tls"
    """RFC 5425: the same inside TLS."""


PORTS: Final = MappingProxyType({Transport.UDP: 514, Transport.TCP: 601, Transport.TLS: 6514})
"""The registered ports (RFC 5426, 3.3; RFC 3195, 9.2; RFC 5425, 4.1)."""


class SyslogTls(TlsSettings):
    """Whom the link believes, and how it shows who it is."""

    certificate: Path | None = None
    """PEM file with the certificate to show to a server that asks for one."""
    key: Path | None = None
    """PEM file with its private key, without a passphrase. Default: it stands in `certificate`."""

    @model_validator(mode="after")
    def _no_key_alone(self) -> SyslogTls:
        if self.key is not None and self.certificate is None:
            raise ValueError("`key` needs `certificate` beside it")
        return self

    def context(self) -> ssl.SSLContext:
        """Build the TLS context. Raises ConfigError if a file cannot be used."""
        context = super().context()
        if self.certificate is not None:
            try:
                # An empty passphrase: without it OpenSSL would ask for one at the terminal.
                context.load_cert_chain(self.certificate, self.key, password="")
            except (OSError, ssl.SSLError) as error:
                missing = isinstance(error, FileNotFoundError | PermissionError)
                reason = error.strerror if missing else "no certificate with its key, both PEM and in clear"
                raise ConfigError(f"tls.certificate {self.certificate}: {reason}") from error
        return context


@dataclass(frozen=True, slots=True, kw_only=True)
class SyslogServer:
    """One server that is told everything."""

    name: str
    host: str
    port: int
    transport: Transport
    facility: Facility = Facility.LOCAL0
    enterprise: int = 32473
    """Private enterprise number in the name of the structured data (32473: RFC 5612, for examples)."""
    tls: SyslogTls = field(default_factory=SyslogTls)
    max_bytes: int = 2048
    from_beginning: bool = False
    """Whether the first start sends what was stored before it."""
    away_after: float = 30.0
    """Seconds of failing after which it is a fault."""
    confirm: bool = True
    """Whether a connection is ended now and then, to see that the server has read it to its end."""

    @property
    def address(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport} {host}:{self.port}"
