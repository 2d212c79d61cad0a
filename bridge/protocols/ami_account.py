"""The settings of one AMI connection. Made by triggers and drivers from their configuration."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from bridge.protocols.secret import Secret

Login = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
"""An account's name: a section of manager.conf, so nothing that could end one."""
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,253}$")]
"""A PBX's name or address; of IPv6 without brackets."""


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
