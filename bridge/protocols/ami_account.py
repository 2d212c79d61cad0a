"""The settings of one AMI connection. Made by triggers and drivers from their configuration."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from bridge.protocols.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Account:
    """Where and as whom to log in, and how long to wait (seconds)."""

    host: str
    port: int = 5038
    username: str
    secret: Secret
    events: str = "on"
    """`on`, `off`, or the classes wanted (`call,user`). Originate's outcome comes as class `call`."""
    tls: ssl.SSLContext | None = None
    connect_timeout: float = 4.0
    """To reach the PBX, be greeted and log in, together."""
    action_timeout: float = 5.0
    ping_interval: float = 3.0
    ping_timeout: float = 3.0
    """No answer and no other byte for so long, or no answer for twice as long: the link is down."""

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"
