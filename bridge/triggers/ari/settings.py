"""The stanza `type: ari` of the configuration."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from bridge.protocols.ari.settings import AriSettings


class Config(AriSettings):
    """How to watch one Asterisk over ARI (docs/triggers/ari.md). The user is one with `read_only = yes`."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    source: str = Field(default="", pattern=r"^[A-Za-z0-9._/-]*$")
    """The PBX's name in stored events; the same in every link that watches this PBX. Empty:
    `asterisk/<name>`. Changing it makes every call it still knows a new one."""
    resync_interval: float = Field(default=60.0, ge=0.05, le=3600)
    """Seconds between looks for calls that ended unseen and for a changed dialplan pack."""
