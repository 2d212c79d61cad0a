"""How a site describes an HTTP server: address, TLS, waiting times. The base of HTTP drivers' `Config`."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bridge.errors import ConfigError

MEGABYTE: Final = 1024 * 1024


class TlsSettings(BaseModel):
    """Whom the link believes. Without any setting: the certificate authorities of this machine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    verify: bool = True
    """`false` accepts any certificate; `sosbridge check` warns as long as it is set."""
    ca: Path | None = None
    """PEM file with the only certificate authorities (or the one self-signed certificate) to believe."""

    def context(self) -> ssl.SSLContext:
        """Build the TLS context, at least TLS 1.2 (RFC 8996). Raises ConfigError if `ca` cannot be used."""
        try:
            context = ssl.create_default_context(cafile=str(self.ca) if self.ca else None)
        except (OSError, ssl.SSLError) as error:
            reason = error.strerror if type(error) is FileNotFoundError else "it holds no PEM certificate"
            raise ConfigError(f"tls.ca {self.ca}: {reason}") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class Timeouts(BaseModel):
    """Seconds. `connect` and `read` bound one step on the socket, `total` the whole request."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connect: float = Field(default=2.0, gt=0, le=60)
    read: float = Field(default=5.0, gt=0, le=300)
    total: float = Field(default=8.0, gt=0, le=300)


class HttpSettings(BaseModel):
    """Where the server is and how patient the link is with it."""

    # An address with a password in it must not stand in the error that refuses it.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: str
    """`https://host[:port][/prefix]`; every path is appended to it. No credentials, query or fragment."""
    tls: TlsSettings = TlsSettings()
    timeouts: Timeouts = Timeouts()
    max_body: int = Field(default=MEGABYTE, ge=1024, le=64 * MEGABYTE)
    """Bytes of an answer that are read before it counts as unusable."""
    retry_after_cap: float = Field(default=15.0, ge=0, le=600)
    """The longest wait (seconds) that a server's Retry-After can ask for."""

    @field_validator("base_url")
    @classmethod
    def _plain_http_url(cls, url: str) -> str:
        if any(char <= " " or char == "\x7f" for char in url):
            raise ValueError("holds a blank or a control character")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            raise ValueError("must begin with http:// or https://")
        if "@" in parts.netloc:
            raise ValueError("must not hold credentials: they have their own settings")
        if not parts.hostname:
            raise ValueError("names no host")
        if "?" in url or "#" in url:
            raise ValueError("must not hold a query or a fragment")
        _ = parts.port  # raises ValueError when it is no port number
        return url.rstrip("/")

    @property
    def encrypted(self) -> bool:
        return self.base_url.startswith("https://")
