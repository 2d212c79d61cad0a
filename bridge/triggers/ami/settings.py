"""The stanza `type: ami` of the configuration."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from bridge.protocols.ami_account import Account, Host, Login
from bridge.protocols.http_settings import TlsSettings
from bridge.protocols.secret import Secret


class Config(BaseModel):
    """How to watch one Asterisk over AMI (docs/triggers/ami.md)."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )

    host: Host
    port: int = Field(default=5038, ge=1, le=65535)
    """5038 is Asterisk's own for plain AMI, 5039 for TLS."""
    username: Login
    """A user of manager.conf with `read = system,call,user,security` and `write = reporting`, no more."""
    secret: Secret
    tls: TlsSettings | None = None
    """`{}` for TLS with the certificate authorities of this machine, `{ca: /path}` for your own."""
    source: str = Field(default="", pattern=r"^[A-Za-z0-9._/-]*$")
    """The PBX's name in stored events; the same in every link that watches this PBX. Empty:
    `asterisk/<name>`. Changing it makes every call it still knows a new one."""
    connect_timeout: float = Field(default=4.0, gt=0, le=60)
    """Seconds to reach the PBX and log in."""
    action_timeout: float = Field(default=5.0, gt=0, le=60)
    """Seconds for an answer to anything but a ping."""
    ping_interval: float = Field(default=3.0, ge=0.05, le=5)
    """Seconds between two proofs of life."""
    ping_timeout: float = Field(default=3.0, ge=0.05, le=5)
    """Seconds of silence after a ping until the link counts as down."""
    resync_interval: float = Field(default=60.0, ge=0.05, le=3600)
    """Seconds between looks for calls that ended unseen and for a changed dialplan pack."""

    cel_file: Path | None = None
    """The PBX's CEL file in CSV, where the bridge can read it (the same machine, a mounted folder): after a
    gap it tells which alarm calls nobody saw. Without it only calls that live on after a gap are found."""

    def account(self, *, events: str = "on") -> Account:
        """Return the connection's settings. Raises ConfigError where a TLS file cannot be used."""
        return Account(
            host=self.host,
            port=self.port,
            username=self.username,
            secret=self.secret,
            events=events,
            tls=self.tls.context() if self.tls else None,
            connect_timeout=self.connect_timeout,
            action_timeout=self.action_timeout,
            ping_interval=self.ping_interval,
            ping_timeout=self.ping_timeout,
        )
