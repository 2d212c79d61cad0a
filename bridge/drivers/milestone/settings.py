"""What a site writes about its Milestone XProtect. Called by the configuration loader and the driver."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from bridge.errors import ConfigError
from bridge.model import Capability, Operation
from bridge.protocols.http_settings import HttpSettings
from bridge.protocols.secret import Secret
from bridge.protocols.template import Structure, Template, parse_structure, templates_in

PLACEHOLDERS: Final = frozenset(
    {
        # what every action carries
        *("incident", "tier", "phone", "extension", "location", "spoken", "opened_at", "exercise", "title"),
        # what is added for a camera or a console
        *("camera", "preset", "cameras", "views"),
        # what the delivery itself says
        *("target", "delivery", "driver"),
    }
)
WINDOWS_USER: Final = re.compile(r"[^\\@:\s]+\\[^\\]+")
SEARCH_PLACEHOLDERS: Final = frozenset({"target", "incident", "delivery", "opened", "now"})

_EVENTS: Final = (Operation.EVENT_START, Operation.EVENT_STOP)
_RECORDING: Final = (Operation.START_RECORDING, Operation.STOP_RECORDING)
_POPUPS: Final = (Operation.POPUP, Operation.UPDATE_POPUP, Operation.CLOSE_POPUP)
_OVER_REST: Final = MappingProxyType(
    {
        Operation.PROVE_LIVE: Capability.REPEATABLE,
        Operation.RECALL_PRESET: Capability.ASK_FIRST,
        Operation.HOME: Capability.ASK_FIRST,
        Operation.BOOKMARK: Capability.ASK_FIRST,
        Operation.BOOKMARK_PAST: Capability.ASK_FIRST,
        Operation.EXTEND_BOOKMARK: Capability.REPEATABLE,
        Operation.SHOW: Capability.REPEATABLE,
        Operation.HIDE: Capability.REPEATABLE,
    }
)


def _known(template: Template, allowed: frozenset[str]) -> Template:
    unknown = sorted(template.names - allowed)
    if unknown:
        raise ValueError(f"unknown placeholder {{{unknown[0]}}}; there is {', '.join(sorted(allowed))}")
    return template


def _text(value: Any) -> Template:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be text (put it in quotes)")
    template = _known(Template.parse(value), PLACEHOLDERS)
    if template.converts:
        raise ValueError("conversions such as {target:list} are for JSON values only")
    return template


def _structure(value: Any) -> Structure:
    structure = parse_structure(value)
    for template in templates_in(structure):
        _known(template, PLACEHOLDERS)
    return structure


def _search(value: Any) -> Structure:
    structure = parse_structure(value)
    for template in templates_in(structure):
        _known(template, SEARCH_PLACEHOLDERS)
    return structure


def _as_written(structure: Structure) -> Any:
    """Return a parsed JSON value as the site wrote it, for `sosbridge config`."""
    match structure:
        case Template():
            return structure.source
        case dict():
            return {key: _as_written(item) for key, item in structure.items()}
        case list():
            return [_as_written(item) for item in structure]
    return structure


Text = Annotated[
    Template,
    PlainValidator(_text),
    PlainSerializer(lambda template: template.source, return_type=str),
    WithJsonSchema({"type": "string"}),
]
Json = Annotated[Any, AfterValidator(_structure), PlainSerializer(_as_written), WithJsonSchema({})]
SearchJson = Annotated[Any, AfterValidator(_search), PlainSerializer(_as_written), WithJsonSchema({})]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EventSettings(_Settings):
    """The user-defined events that the rules in XProtect answer. Names may hold placeholders."""

    start: Text
    stop: Text
    source: Literal["path", "id", "none"] = "path"
    """The camera in the event as `cameras/{id}`, as the bare id, or not at all."""
    fields: dict[str, Json] = {}
    """What else is sent in the event. Not confirmed by the vendor's documents, so empty."""


class EvidenceSettings(_Settings):
    """How long a lock lasts. Needs an edition that has evidence locks."""

    keep_days: float | None = Field(default=None, gt=0, le=36500)
    """After which the lock expires; without it, never."""
    retention_type: str = "Indefinite"
    """What the gateway calls it. Only `Indefinite` with -1 units is in the vendor's documents."""
    retention_units: int = -1
    ahead: float = Field(default=3600.0, ge=0, le=7 * 86400)
    """Seconds after now that are protected as well."""


class MatrixSettings(_Settings):
    """Matrix recipients and the two texts of the command, whose grammar the vendor does not document."""

    recipients: frozenset[str] = Field(min_length=1)
    """Consoles that are Matrix recipients and not monitors of a Smart Wall."""
    camera_list: Text
    command: Text


class GenericEventSettings(_Settings):
    """A site without an API Gateway: only a text over TCP when an event starts and when it stops."""

    host: str = Field(min_length=1)
    port: int = Field(default=1235, ge=1, le=65535)
    start: Text
    stop: Text
    line_end: bool = False
    """End the text with CR LF, for a data source that separates events by lines."""
    connect: float = Field(default=2.0, gt=0, le=60)
    total: float = Field(default=5.0, gt=0, le=60)


class Config(HttpSettings):
    """`base_url` is the host with the API Gateway: `https://host`, without `/api`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: str = ""
    user: str = ""
    """A basic user of XProtect, or `DOMAIN\\name`."""
    user_kind: Literal["basic", "windows"] = "basic"
    password: Secret | None = None
    mode: Literal["gateway", "generic_event"] = "gateway"
    generic_event: GenericEventSettings | None = None

    events: EventSettings | None = None
    websocket: bool = True
    """Listen to the Events and State WebSocket for the cameras that the site uses."""
    recording_wait: float = Field(default=3.0, ge=0, le=30)
    """Seconds to wait for "recording started" after an event was raised."""
    live_picture: bool = True
    """Ask for a picture (JpegGetLive) to prove a camera live; otherwise the WebSocket alone says."""

    ptz_read_back: bool = True
    """Compare where the camera stands with where its preset is."""
    ptz_tolerance: float = Field(default=0.02, gt=0, le=0.5)
    ptz_wait: float = Field(default=2.0, ge=0, le=30)
    """Seconds that a camera may take to its preset."""
    home_preset: str = ""
    """Name or id of the preset that is home; without it the camera's default preset."""
    remember: float = Field(default=300.0, ge=0, le=86400)
    """Seconds for which presets, event names and alarm states are not asked for again."""

    bookmark_before: float = Field(default=10.0, ge=0, le=3600)
    bookmark_after: float = Field(default=30.0, ge=0, le=3600)
    bookmark_search: SearchJson = Field(
        default_factory=lambda: _search(
            {"time": "{now}", "timeSpanBefore": 86400, "timeSpanAfter": 3600, "deviceIds": ["{target}"]}
        )
    )
    """The question whether a bookmark is there already. Its fields are not in the vendor's documents."""
    evidence_lock: EvidenceSettings | None = None

    alarms: Literal["raise", "by_definition"] = "raise"
    """`by_definition`: an alarm definition on the start event makes the alarm, and the driver makes none."""
    alarm_source: Literal["id", "path"] = "id"
    new_state: str = "New"
    """Name or level of the alarm state of an alarm that nobody has (any more)."""
    acknowledged_state: str = "In progress"
    """Name or level of the alarm state of an alarm that somebody has."""
    closed_state: str = "Closed"
    alarm_wait: float = Field(default=2.0, ge=0, le=30)
    """Seconds until an alarm that was accepted must be there, or have its new state."""
    watch_every: float = Field(default=3.0, ge=2, le=60)
    """Seconds between two looks at the alarms that are open."""

    matrix: MatrixSettings | None = None

    @property
    def credentials(self) -> Secret:
        """The password. Raises ConfigError where the site has none, which mode gateway does not allow."""
        if self.password is None:
            raise ConfigError("password: mode gateway needs one")
        return self.password

    @field_validator("bookmark_search", mode="before")
    @classmethod
    def _is_an_object(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError("must be a JSON object")  # noqa: TRY004 -- pydantic collects ValueError
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.mode == "generic_event":
            if self.generic_event is None:
                raise ValueError("mode generic_event needs the block generic_event: host, start, stop")
            return self
        if self.generic_event is not None:
            raise ValueError("generic_event is set, but mode is gateway: set mode: generic_event")
        missing = [name for name in ("base_url", "user", "password") if not getattr(self, name)]
        if missing:
            raise ValueError(f"mode gateway needs {', '.join(missing)}")
        if self.user_kind == "windows" and not WINDOWS_USER.fullmatch(self.user):
            raise ValueError("user_kind windows needs the user as DOMAIN\\name (in YAML without quotes)")
        return self


def capabilities_of(config: Config) -> Mapping[Operation, Capability]:
    """What this site's XProtect can do, and who does it."""
    possible: dict[Operation, Capability] = {}
    if config.mode == "generic_event":
        possible |= dict.fromkeys(_EVENTS, Capability.REPEATABLE)
    else:
        possible |= _OVER_REST
        if not (config.live_picture or config.websocket):
            del possible[Operation.PROVE_LIVE]
        if config.events:
            possible |= dict.fromkeys(_EVENTS, Capability.REPEATABLE)
            if config.alarms == "by_definition":  # another event would make another alarm
                possible[Operation.EVENT_START] = Capability.ASK_FIRST
        if config.evidence_lock:
            possible[Operation.LOCK_EVIDENCE] = Capability.ASK_FIRST
        if config.alarms == "raise":
            possible |= dict.fromkeys(_POPUPS, Capability.REPEATABLE)
            possible[Operation.POPUP] = Capability.ASK_FIRST
        elif config.events:
            possible |= dict.fromkeys(_POPUPS, Capability.BY_RULE)
    if Operation.EVENT_START in possible:
        possible |= dict.fromkeys(_RECORDING, Capability.BY_RULE)
    return MappingProxyType({op: possible.get(op, Capability.IMPOSSIBLE) for op in Operation})
