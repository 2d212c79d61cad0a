"""What a site writes about its Security Center, and what that makes possible.

Called by the configuration loader, which shows every mistake with its place, and by the driver.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)

from bridge.errors import ProtocolError
from bridge.model import Capability, Operation, Tier
from bridge.protocols.genetec_text import checked_command, guid
from bridge.protocols.http_settings import HttpSettings
from bridge.protocols.secret import Secret
from bridge.protocols.template import Template

PLACEHOLDERS: Final = frozenset(
    {"target", "preset", "incident", "title", "location", "spoken", "phone", "opened", "now", "from", "to"}
)
"""What a command of the site's own may say."""

BY_START: Final = (Operation.START_RECORDING, Operation.RECALL_PRESET, Operation.LOCK_EVIDENCE)
BY_STOP: Final = (Operation.STOP_RECORDING, Operation.HOME)
"""What event-to-actions in Security Center can do when our events arrive."""


def _as_guid(text: str) -> str:
    try:
        return guid(text)
    except ProtocolError as error:
        raise ValueError(str(error)) from None


def _as_command(value: Any) -> Template:
    if not isinstance(value, str):
        raise ValueError("must be text (put it in quotes)")  # noqa: TRY004 -- pydantic collects ValueError
    template = Template.parse(value)
    unknown = sorted(template.names - PLACEHOLDERS)
    if unknown or template.converts:
        allowed = ", ".join(sorted(PLACEHOLDERS))
        what = f"unknown placeholder {{{unknown[0]}}}" if unknown else "conversions mean nothing here"
        raise ValueError(f"{what}; there is {allowed}")
    try:
        checked_command(template.text(dict.fromkeys(PLACEHOLDERS, "x")))
    except ProtocolError as error:
        raise ValueError(str(error)) from None
    return template


def _each_once(tiles: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(tiles)) < len(tiles):
        raise ValueError("names a tile twice")
    return tiles


Guid = Annotated[str, AfterValidator(_as_guid)]
ConsoleId = Annotated[str, Field(pattern=r"^[0-9]{1,7}$")]
"""The LogicalId of a Monitor entity."""
EventNumber = Annotated[int, Field(ge=1, le=2_147_483_647)]
CommandText = Annotated[
    Template,
    PlainValidator(_as_command),
    PlainSerializer(lambda template: template.source, return_type=str),
    WithJsonSchema({"type": "string"}),
]
Commanded = Literal[
    Operation.START_RECORDING,
    Operation.STOP_RECORDING,
    Operation.RECALL_PRESET,
    Operation.HOME,
    Operation.EXTEND_BOOKMARK,
    Operation.LOCK_EVIDENCE,
]
"""What public documents do not spell out: possible only by a command that the site writes."""


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Events(Settings):
    """Numbers of custom events as Config Tool lists them; each is raised at the camera."""

    start: EventNumber | None = None
    stop: EventNumber | None = None
    alarm: Guid | None = None
    """The alarm entity that a rule triggers when `start` arrives: looked at before a doubtful repeat."""


class Command(Settings):
    """One command of the site's own."""

    q: CommandText
    method: Literal["POST", "GET", "PUT"] = "POST"
    path: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+(/[A-Za-z0-9]+)*$")] = "action"
    """Below `base_url`."""


class Config(HttpSettings):
    """`base_url` is the role's address with its base URI: `https://host:4590/WebSdk`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    user: Annotated[str, Field(min_length=1, pattern=r"^[^:;\x00-\x1f]+$")]
    password: Secret
    application_id: Secret
    """Of the SDK certificate that the licence holds."""
    events: Events = Events()
    zones: Mapping[str, Events] = Field(default_factory=dict)
    """location tag -> events of its own, instead of `events`."""
    routine_events: Events | None = None
    """For routine calls, everywhere; without it they raise the same events as an SOS."""
    alarm: Guid | None = None
    """The alarm entity that is the pop-up."""
    routine_alarm: Guid | None = None
    """For routine calls, at every console; without it they trigger the same alarm as an SOS."""
    alarms: Mapping[ConsoleId, Guid] = Field(default_factory=dict)
    """console -> alarm entity of its own, instead of `alarm`."""
    alarm_names_camera: bool = False
    """Hand the first camera over with the trigger, as source of the alarm."""
    alarm_wait: float = Field(default=2.0, ge=0, le=30)
    """Seconds until a triggered alarm must be among the active ones, or an acknowledged one gone."""
    watch_every: float = Field(default=3.0, ge=2, le=60)
    """Seconds between two questions whether an operator has acknowledged; only while one of ours is open."""
    operators: Mapping[ConsoleId, tuple[Guid, ...]] = Field(default_factory=dict)
    """console -> users who get a message when an incident changes."""
    tiles: Annotated[
        tuple[Annotated[int, Field(ge=1, le=999)], ...], Field(min_length=1), AfterValidator(_each_once)
    ] = (1, 2, 3, 4)
    """Tiles of a console's monitor that cameras are shown in, in this order."""
    show_wait: float = Field(default=2.0, ge=0, le=30)
    """Seconds until a tile must show what it was given."""
    clear_content: Annotated[str, Field(min_length=1, pattern=r"^[^#\x00-\x1f]+$")] | None = None
    """TileContentGroup that empties a tile in which nothing stood before."""
    commands: Mapping[Commanded, Command] = Field(default_factory=dict)


def alarm_of(config: Config, console: str, tier: Tier) -> str | None:
    """The alarm entity that pops up for a console."""
    routine = config.routine_alarm if tier is Tier.ROUTINE else None
    return routine or config.alarms.get(console, config.alarm)


def events_of(config: Config, location: str, tier: Tier) -> Events:
    """The pair of custom events for a location."""
    routine = config.routine_events if tier is Tier.ROUTINE else None
    return routine or config.zones.get(location, config.events)


def alarms_in(config: Config) -> list[str]:
    """Every alarm entity that the site names, each once."""
    named = (config.alarm, config.routine_alarm, *config.alarms.values())
    return sorted({alarm for alarm in named if alarm})


def rule_alarms_in(config: Config) -> list[str]:
    """Every alarm entity that a rule of the site's triggers, each once."""
    return sorted({pair.alarm for pair in events_in(config) if pair.alarm})


def events_in(config: Config) -> list[Events]:
    """Every pair of events that the site names."""
    routine = [config.routine_events] if config.routine_events else []
    return [config.events, *config.zones.values(), *routine]


def capabilities_of(config: Config) -> Mapping[Operation, Capability]:
    """What works by itself, by the site's commands, and by rules that answer the site's events."""
    numbers = events_in(config)
    starts = [pair for pair in numbers if pair.start]
    stops = any(pair.stop for pair in numbers)
    possible: dict[Operation, Capability] = {
        # A repeat makes a second, equal mark at the same moment: better than none, and nothing can be asked.
        Operation.BOOKMARK: Capability.REPEATABLE,
        Operation.BOOKMARK_PAST: Capability.REPEATABLE,
        Operation.PROVE_LIVE: Capability.REPEATABLE,
        Operation.SHOW: Capability.REPEATABLE,
        Operation.HIDE: Capability.REPEATABLE,
    }
    if starts:
        possible |= dict.fromkeys((*BY_START, Operation.POPUP), Capability.BY_RULE)
        asked = all(pair.alarm for pair in starts)
        possible[Operation.EVENT_START] = Capability.ASK_FIRST if asked else Capability.REPEATABLE
    if stops:
        possible |= dict.fromkeys(BY_STOP, Capability.BY_RULE)
        possible[Operation.EVENT_STOP] = Capability.REPEATABLE
    if alarms_in(config):
        possible |= dict.fromkeys((Operation.POPUP, Operation.CLOSE_POPUP), Capability.ASK_FIRST)
    if config.operators:
        possible[Operation.UPDATE_POPUP] = Capability.REPEATABLE
    possible |= dict.fromkeys(config.commands, Capability.REPEATABLE)
    return MappingProxyType({op: possible.get(op, Capability.IMPOSSIBLE) for op in Operation})
