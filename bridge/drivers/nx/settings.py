"""What a site says of its Nx server. Read by the driver and its checks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from pydantic import ConfigDict, Field

from bridge.model import UNDO, Capability, Operation
from bridge.protocols.http_settings import HttpSettings
from bridge.protocols.secret import Secret

_POSSIBLE: Final = {
    Operation.START_RECORDING: Capability.BY_RULE,
    Operation.STOP_RECORDING: Capability.BY_RULE,
    Operation.BOOKMARK: Capability.ASK_FIRST,
    Operation.BOOKMARK_PAST: Capability.ASK_FIRST,
    Operation.EXTEND_BOOKMARK: Capability.REPEATABLE,
    Operation.PROVE_LIVE: Capability.REPEATABLE,
    Operation.RECALL_PRESET: Capability.REPEATABLE,
    Operation.HOME: Capability.ASK_FIRST,
    Operation.SHOW: Capability.BY_RULE,
    Operation.HIDE: Capability.BY_RULE,
    Operation.POPUP: Capability.BY_RULE,
    Operation.CLOSE_POPUP: Capability.BY_RULE,
    # A rule that already runs does not begin again with a second "started".
    Operation.EVENT_START: Capability.REPEATABLE,
    Operation.EVENT_STOP: Capability.REPEATABLE,
}


class Config(HttpSettings):
    """`base_url` is the server itself: `https://host:7001`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    user: str = Field(min_length=1)
    password: Secret
    api: Literal["auto", "v1", "v2", "v3", "v4"] = "auto"
    """Version of the REST API; `auto` takes the highest one that the server has."""
    source: str = Field(default="sosbridge", pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    """What the rules in the VMS look for in the field Source. Each site of one server needs its own."""
    recording_rule: bool = True
    """A rule in the VMS records a camera while its event lasts: the camera's status proves the event."""
    recording_wait: float = Field(default=4.0, ge=0, le=30)
    """Seconds until the camera's status has to say Recording."""
    preset_speed: float = Field(default=1.0, gt=0, le=1)
    """Part of the camera's own speed."""
    preset_proof: bool = True
    """Ask which preset is active after a recall. Off for cameras of which the server cannot tell."""
    preset_wait: float = Field(default=3.0, ge=0, le=30)
    """Seconds until a recalled preset has to be the active one."""
    bookmark_before: float = Field(default=10.0, ge=0, le=3600)
    """Seconds before the alarm at which its bookmark begins."""
    bookmark_length: float = Field(default=60.0, ge=1, le=86_400)
    """Seconds of the bookmark at first; it is lengthened when the incident closes."""

    show_trigger: str | None = Field(default=None, min_length=1)
    """Name of the soft trigger that shows a camera at a console; {target} in it is the console's id."""
    popup_trigger: str | None = Field(default=None, min_length=1)
    """The same for pop-ups."""

    def trigger_for(self, operation: Operation, console: str) -> str:
        """The name of the soft trigger; empty where a rule on the event does it alone."""
        names = {Operation.SHOW: self.show_trigger, Operation.POPUP: self.popup_trigger}
        return (names.get(operation) or "").replace("{target}", console)

    @property
    def version(self) -> int:
        """The pinned version of the API, or 0."""
        return 0 if self.api == "auto" else int(self.api[1:])


def capabilities_of(config: Config) -> Mapping[Operation, Capability]:
    """What the driver can do. What a soft trigger shows, nothing takes away again."""
    table = {operation: _POSSIBLE.get(operation, Capability.IMPOSSIBLE) for operation in Operation}
    for operation in (Operation.SHOW, Operation.POPUP):
        if config.trigger_for(operation, ""):
            table[operation] = Capability.REPEATABLE
            table[UNDO[operation]] = Capability.IMPOSSIBLE
    return MappingProxyType(table)
