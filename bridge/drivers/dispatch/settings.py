"""What the site says about dispatch: the PBX's accounts or user, the dialplan's waiting times and folders.

The times and folders are not used by the driver; `bridge.pack` renders them into the dialplan.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bridge.protocols.ami_account import Account, Host, Login
from bridge.protocols.ari.settings import AriSettings
from bridge.protocols.http_settings import TlsSettings
from bridge.protocols.secret import Secret

_SETTINGS: Final = ConfigDict(
    extra="forbid",
    frozen=True,
    use_attribute_docstrings=True,
    hide_input_in_errors=True,
    allow_inf_nan=False,
)


class AccountSettings(BaseModel):
    """One AMI account of manager.conf."""

    model_config = _SETTINGS

    username: Login
    """Its section's name."""
    secret: Secret
    """Its secret."""


class Config(BaseModel):
    model_config = _SETTINGS

    pbx: str = ""
    """Name of the PBX link that watches the same PBX. Default: the only one."""
    host: Host = "127.0.0.1"
    """The PBX's AMI."""
    port: Annotated[int, Field(ge=1, le=65535)] = 5038
    """Its TCP port."""
    tls: TlsSettings | None = None
    """`{}` for TLS with the certificate authorities of this machine, `{ca: /path}` for your own."""
    originate: AccountSettings | None = None
    """Starts the calls by AMI. Needs write=originate and read=call,user."""
    ari: AriSettings | None = None
    """Starts the calls by ARI, instead of `originate`. Needs a user that is not read-only."""
    heartbeat: AccountSettings | None = None
    """Proves the bridge alive by AMI. Needs write=originate and read=call; an account of its own, so that its
    connection never waits behind a call and each can be revoked alone. Left out: `ari` does it."""
    heartbeat_every: Annotated[float, Field(ge=0.2, le=60)] = 4.0
    """Seconds between two beats, while the SOS path works."""
    heartbeat_stale: Annotated[int, Field(ge=1, le=600)] = 15
    """Seconds by the PBX's clock after which the bridge counts as gone and dispatch rings at once."""
    bridge_address: Annotated[str, Field(pattern=r"^[0-9A-Fa-f.:]{2,45}(/[0-9.]{1,15})?$")] = "127.0.0.1"
    """Where the bridge's AMI logins come from: `permit` in manager.conf. Address, or address/mask."""
    sounds: str = "/var/lib/asterisk/sounds/sosbridge"
    """Folder of the announcements on the PBX."""
    recordings: str = "sosbridge"
    """Folder of the recordings on the PBX; relative: below its monitor folder."""
    record: bool = True
    """Whether SOS calls are recorded."""
    ring: Annotated[float, Field(gt=0, le=300)] = 25.0
    """Seconds one dispatcher's phone rings before it pauses."""
    pause: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Seconds until it rings again."""
    key_wait: Annotated[float, Field(gt=0, le=60)] = 6.0
    """Seconds to press 1 after the announcement."""
    repeats: Annotated[int, Field(ge=1, le=20)] = 3
    """How often the announcement is said before the dispatcher counts as not informed."""
    callback_ring: Annotated[float, Field(gt=0, le=600)] = 45.0
    """Seconds a phone rings when it is called back."""
    hunt: Annotated[float, Field(gt=0, le=86400)] = 1800.0
    """Seconds for which dispatch is rung for a phone that hung up too early."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.originate is None) == (self.ari is None):
            raise ValueError("needs one way to start its calls: either `originate` (AMI) or `ari`")
        return self

    @model_validator(mode="after")
    def _beats(self) -> Self:
        if self.heartbeat is None and self.ari is None:
            raise ValueError("needs `heartbeat`, an AMI account, where it has no `ari`, which does that too")
        return self

    @field_validator("sounds", "recordings")
    @classmethod
    def _plain_path(cls, value: str) -> str:
        """A path is part of dialplan, where a comma or a brace would mean something else."""
        plain = value.replace("/", "").replace("-", "").replace("_", "").replace(".", "")
        if not (plain.isascii() and plain.isalnum()) or ".." in PurePosixPath(value).parts:
            raise ValueError("must be a path of letters, digits, `-`, `_`, `.` and `/`, without `..`")
        return value.rstrip("/")

    @field_validator("sounds")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not value.startswith("/"):
            raise ValueError("must be an absolute path")
        return value

    def account(self, login: AccountSettings) -> Account:
        """Return the AMI account for a connection. Raises ConfigError if the TLS settings cannot be used."""
        return Account(
            host=self.host,
            port=self.port,
            username=login.username,
            secret=login.secret,
            tls=self.tls.context() if self.tls else None,
        )
