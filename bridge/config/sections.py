"""The file's parts as pydantic models: what may be written, its default, and what it means.

The docstring under each setting is its description in the JSON Schema. Only what one setting can say
about itself is checked here; what depends on another line is checked in `references`.
The plant itself is in `plant`. Settings of drivers and triggers are theirs: `instances` checks those against
their own `Config`.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, field_validator

from bridge.config.fields import (
    Address,
    AlarmExtension,
    Counts,
    DatabaseUrl,
    Endpoint,
    Folder,
    Language,
    Line,
    Name,
    Seconds,
    Section,
    SpeechCommand,
    Switch,
    Timezone,
    TypeName,
    refuse,
)
from bridge.config.plant import CameraSection, ConsoleSection, LocationSection, PhoneSection
from bridge.config.syslog import SyslogSection
from bridge.model import UNDO, Operation
from bridge.protocols.secret import Secret
from bridge.response import Audience, Step, Times
from bridge.store import LEAST_DAYS

_TIMES: Final = Times()


class SiteSection(Section):
    """The plant itself."""

    name: Line
    """What people call this site; in reports and titles."""
    timezone: Timezone
    """IANA name. Times are stored in UTC; shown, spoken and bookmarked in this zone."""
    language: Language = "en"
    """Of announcements, where a phone, a dispatch group or `dispatch.languages` does not say otherwise."""


class StoreSection(Section):
    """Where incidents are kept."""

    url: DatabaseUrl | None = None
    """`sqlite:////path` or `postgresql://user@host/database`. Default: SQLite in `state_dir`."""
    password: Secret | None = None
    """Of the PostgreSQL user."""


_Days = Annotated[int, Field(ge=LEAST_DAYS, le=36_500)]


class RetentionSection(Section):
    """How many days what happened is kept after its end. What is older is taken out each night."""

    emergency_days: _Days = 1095
    """SOS incidents with everything that belongs to them."""
    routine_days: _Days = 90
    """Routine incidents, and calls and events that belong to no incident."""
    fault_days: _Days = 1095
    """Faults that are mended; the times in which calls may have been missed are among them."""


class Stanza(Section):
    """One driver or trigger: the two settings that all of them have. The others are its own."""

    model_config = ConfigDict(extra="allow")

    name: Name
    """How the rest of the file and every message call it."""
    type: TypeName
    """Which kind it is: the name of its module."""


class AlarmSection(Section):
    """Which calls are an SOS."""

    extensions: Annotated[tuple[AlarmExtension, ...], Field(min_length=1)]
    """Extensions that phones dial for help: numbers or Asterisk patterns (`_911X`)."""
    consoles: tuple[Name, ...] = ()
    """Consoles for a call whose location is unknown or names none. Default: all operators'."""


class GroupSection(Section):
    """People to ring when nobody answers or no picture is confirmed."""

    tiers: Annotated[tuple[Annotated[tuple[Endpoint, ...], Field(min_length=1)], ...], Field(min_length=1)]
    """Who is rung together, tier by tier: lists of PJSIP endpoints."""
    language: Language | None = None
    """Of the announcement. Default: `site.language`."""
    fallback: tuple[Annotated[tuple[Endpoint, ...], Field(min_length=1)], ...] = ()
    """Who is rung by `dispatch.fallback` instead, tier by tier. Default: those of `tiers` that it reaches."""
    acknowledgements: Counts = (1,)
    """How many different people must acknowledge an SOS until nobody is rung any more: a number for each of
    `tiers` (the tier rung last counts), or one for all."""

    def wanted(self, tier: int) -> int:
        """Return how many must acknowledge while tier `tier` (from 0) is the last one rung."""
        return self.acknowledgements[min(tier, len(self.acknowledgements) - 1)]


class DispatchSection(Section):
    """The dispatch groups, and the driver that tells them. Its other settings are that driver's own."""

    model_config = ConfigDict(extra="allow")

    groups: Annotated[dict[Name, GroupSection], Field(min_length=1)]
    """The groups, by name."""
    languages: dict[Endpoint, Language] = Field(default_factory=dict)
    """Of the announcement to single endpoints of the groups, in place of their group's."""
    name: Name = "dispatch"
    """How `response` calls the driver."""
    type: TypeName = "dispatch"
    """Kind of driver that rings the groups."""
    fallback: Name | None = None
    """Name of the PBX link of type `sip` that rings them where this driver cannot."""

    def language_of(self, endpoint: str, group: GroupSection) -> str | None:
        """Return in which language a person of the group hears the announcement; None: in the site's."""
        return self.languages.get(endpoint) or group.language


class PromptsSection(Section):
    """How `sosbridge prompts build` makes the announcements."""

    command: SpeechCommand | None = None
    """Program and arguments that speak what comes on standard input into the WAV file `{file}`, in
    `{language}`. Default: espeak-ng."""
    recorded: Folder | None = None
    """Folder of recordings, `<language>/<name>.wav`: each is taken in place of speech."""


class RuleSection(Section):
    """One action of the response table."""

    operation: Annotated[Operation, Field(alias="do")]
    """What is done."""
    driver: Annotated[Name, Field(alias="with")]
    """Name of the VMS (or of the dispatch driver) that does it."""
    consoles: tuple[Name, ...] = ()
    """Only for `show`, `popup` and `update_popup`: these consoles and no others."""
    to: Annotated[tuple[Audience, ...], Field(max_length=len(Audience))] = ()
    """The same by whose they are, instead of by name. Default: `[location]`."""
    groups: tuple[Name, ...] = ()
    """Only for `notify`. Default: all groups."""
    max_views: Annotated[int, Field(ge=1, le=64)] = 16
    """At most this many of the cameras, best first; for presets, of those that have one."""
    wider: Switch = False
    """Whether the location's `wider` cameras follow its `cameras`."""
    unless: tuple[Name, ...] = ()
    """Names of VMSs: a camera that one of them has is left to it."""

    @field_validator("operation")
    @classmethod
    def _not_an_undo(cls, operation: Operation) -> Operation:
        for done, undone in UNDO.items():
            if operation is undone:
                raise refuse(f"must not be `{undone}`: it follows by itself when `{done}` is over")
        return operation


class WebSection(Section):
    """The small web server: health, metrics."""

    listen: Address = "127.0.0.1:8710"
    """Address and port."""


class LogSection(Section):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe line that is written."""
    format: Literal["auto", "text", "json"] = "auto"
    """`auto`: text on a terminal, JSON otherwise."""


class TimesSection(Section):
    """Every waiting time: seconds, or a number with s, min or h."""

    picture: Seconds = _TIMES.picture
    """Without a confirmed picture by then, the dispatch group is told."""
    escalate_1: Seconds = _TIMES.escalate_1
    """Without an acknowledgement by then, the step `escalate_1`."""
    escalate_2: Seconds = _TIMES.escalate_2
    """Without an acknowledgement by then, the step `escalate_2`."""
    unresolved: Seconds = _TIMES.unresolved
    """Acknowledged but unresolved for so long: the step `unresolved`, again and again."""
    console_settle: Seconds = _TIMES.console_settle
    """A call connected to a console for so long suspends escalation."""
    console_click: Seconds = _TIMES.console_click
    """Without a click or key by then, escalation resumes."""
    dispatch_grace: Seconds = _TIMES.dispatch_grace
    """After an unanswered hangup the dialplan should have rung dispatch by then, else the bridge does."""
    fallback: Seconds = _TIMES.fallback
    """A call to dispatch that is not started by then is made by `dispatch.fallback`."""
    redial_wait: Seconds = _TIMES.redial_wait
    """The dialplan waits so long for the phone to dial again, before it rings dispatch."""
    post_roll_emergency: Seconds = _TIMES.post_roll_emergency
    """Recording and pictures go on for so long after an SOS is cleared."""
    post_roll_routine: Seconds = _TIMES.post_roll_routine
    """The same for a routine call."""
    recording_cap: Seconds = _TIMES.recording_cap
    """Forced recording is stopped after this."""
    recording_warning: Seconds = _TIMES.recording_warning
    """So long before the cap there is a warning."""
    deadline_emergency: Seconds = _TIMES.deadline_emergency
    """An action of an SOS is tried for so long."""
    deadline_routine: Seconds = _TIMES.deadline_routine
    """An action of a routine call is tried for so long."""
    deadline_stop: Seconds = _TIMES.deadline_stop
    """A stop is tried for so long: what a VMS left on while it was away must go off when it is back."""
    picture_proof: Seconds = _TIMES.picture_proof
    """A VMS that cannot be asked what it shows is believed for so long after a person has seen it."""
    segment: Seconds = _TIMES.segment
    """Phones of one segment that stop answering within so long of one another are one fault."""

    def times(self) -> Times:
        return Times(**self.model_dump())


class FileSection(Section):
    """A whole site."""

    site: SiteSection | None = None
    """The plant itself. Required."""
    node: Name | None = None
    """Name of this bridge where several share a database. Default: the host's name."""
    state_dir: Folder | None = None
    """Folder of the database, the spool and the cache. Default: `$STATE_DIRECTORY` (systemd), else
    `/var/lib/sosbridge` for root and `~/.local/state/sosbridge` for others."""
    store: StoreSection = StoreSection()
    """Where incidents are kept."""
    retention: RetentionSection = RetentionSection()
    """How long it is kept."""
    pbx: tuple[Stanza, ...] = ()
    """The PBXs that are watched."""
    vms: tuple[Stanza, ...] = ()
    """The systems that show and record, in order of priority."""
    alarm: AlarmSection | None = None
    """Which calls are an SOS. Required."""
    phones: dict[Name, PhoneSection] = Field(default_factory=dict)
    """The help points, by id."""
    locations: dict[Name, LocationSection] = Field(default_factory=dict)
    """The places, by tag."""
    cameras: dict[Name, CameraSection] = Field(default_factory=dict)
    """The cameras, by tag."""
    consoles: dict[Name, ConsoleSection] = Field(default_factory=dict)
    """The screens that people look at, by name."""
    dispatch: DispatchSection | None = None
    """Who is rung when nobody answers or no picture is confirmed."""
    prompts: PromptsSection = PromptsSection()
    """How the announcements are made."""
    response: dict[Step, tuple[RuleSection, ...]] = Field(default_factory=dict)
    """What is done at each step, in order. A step that is named replaces its default, `[]` empties it."""
    times: TimesSection = TimesSection()
    """Every waiting time."""
    syslog: tuple[SyslogSection, ...] = ()
    """The syslog servers that are told everything."""
    web: WebSection = WebSection()
    """The small web server."""
    log: LogSection = LogSection()
    """What is logged."""
