"""The stanza `type: sip` of the configuration: the bridge as the telephone exchange itself."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bridge.b2bua.settings import Settings as ExchangeSettings
from bridge.protocols.media.rtpengine import RtpengineSettings
from bridge.protocols.media.settings import EF, ChildSettings
from bridge.protocols.secret import Secret
from bridge.protocols.sip.digest import Algorithm
from bridge.protocols.sip_endpoint import EndpointSettings
from bridge.protocols.sip_endpoint.settings import Network, Transport
from bridge.response import Times

_SETTINGS: Final = ConfigDict(
    extra="forbid",
    frozen=True,
    use_attribute_docstrings=True,
    hide_input_in_errors=True,
    allow_inf_nan=False,
)
_TEXT: Final = r"^[!-~]{1,80}$"
_EXCHANGE: Final = ExchangeSettings()

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}$")]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,253}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
User = Annotated[str, Field(pattern=_TEXT)]
OptionalUser = Annotated[str, Field(pattern=r"^[!-~]{0,80}$")]
Address = Annotated[str, Field(pattern=r"^[0-9A-Fa-f:.]{0,45}$")]
Wait = Annotated[float, Field(gt=0, le=86_400)]


class AccountSettings(BaseModel):
    """A telephone that registers here. Its name is the endpoint, and its digest user."""

    model_config = _SETTINGS

    secret: Secret
    """Its digest password."""
    contacts: Annotated[int, Field(ge=1, le=10)] = 1
    """How many devices may be registered at a time; all of them ring."""


class ServerSettings(BaseModel):
    """One PBX that we register at."""

    model_config = _SETTINGS

    host: Host
    """Name or address."""
    port: Port = 5060
    """Its port."""
    transport: Transport = "UDP"
    """`UDP`, `TCP` or `TLS`."""
    domain: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{0,253}$")] = ""
    """Domain of our address there. Default: `host`."""


class RegistrationSettings(BaseModel):
    """The bridge as an extension of a PBX: who calls it there, calls us."""

    model_config = _SETTINGS

    user: User
    """Our extension there."""
    username: OptionalUser = ""
    """Of the digest. Default: `user`."""
    secret: Secret
    """Its password."""
    servers: Annotated[tuple[ServerSettings, ...], Field(min_length=1, max_length=8)]
    """The PBX, then the one that stands in for it: the first that answers has us."""
    expires: Annotated[int, Field(ge=60, le=86_400)] = 300
    """Seconds that a registration is asked for."""


class TrunkSettings(BaseModel):
    """A PBX or provider that calls are exchanged with, without registration."""

    model_config = _SETTINGS

    host: Host
    """Name or address. What comes from it, comes from this trunk."""
    port: Port = 5060
    """Its port."""
    transport: Transport = "UDP"
    """`UDP`, `TCP` or `TLS`."""
    user: OptionalUser = ""
    """Our login there, where it asks for one."""
    secret: Secret | None = None
    """Its password."""


class BuiltinMediaSettings(BaseModel):
    """Voice by a process of our own."""

    model_config = _SETTINGS

    type: Literal["builtin"] = "builtin"
    """`builtin` or `rtpengine`."""
    address: Address = ""
    """Where RTP is received. Default: the address that the telephone's signalling came to."""
    first_port: Annotated[int, Field(ge=1024, le=65535)] = 16384
    """RTP ports: the first, ..."""
    last_port: Annotated[int, Field(ge=1024, le=65535)] = 18383
    """... and the last. A leg takes two."""
    dscp: Annotated[int, Field(ge=0, le=63)] = EF
    """How RTP is marked."""
    silence_after: Wait = 5.0
    """Seconds without RTP until it is a fault."""
    orphan_after: Wait = 30.0
    """Seconds without RTP until the voice of calls that outlived the bridge ends."""

    def child(self) -> ChildSettings:
        """Return the settings of the process. Raises ValueError."""
        return ChildSettings(
            address=self.address or "127.0.0.1",
            first_port=self.first_port,
            last_port=self.last_port,
            dscp=self.dscp,
            silence_after=self.silence_after,
            orphan_after=self.orphan_after,
        )

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        self.child()
        if self.address:
            ip_address(self.address)
        return self


class RtpengineMediaSettings(BaseModel):
    """Voice by an rtpengine daemon."""

    model_config = _SETTINGS

    type: Literal["rtpengine"]
    """`rtpengine`."""
    host: Host = "127.0.0.1"
    """The daemon's ng protocol."""
    port: Port = 22222
    """Its UDP port."""
    address: Annotated[str, Field(pattern=r"^[0-9A-Fa-f:.]{2,45}$")]
    """One of the daemon's interfaces."""
    digits_address: Annotated[str, Field(pattern=r"^[0-9A-Fa-f:.]{2,45}$")] = "127.0.0.1"
    """Where the daemon sends keys to (`--dtmf-log-dest`): our address, ..."""
    digits_port: Port
    """... and port. Without them nobody can press 1."""
    recordings: Path | None = None
    """The daemon's recording folder."""
    silence_after: Wait = 5.0
    """Seconds without RTP until it is a fault."""

    def engine(self) -> RtpengineSettings:
        return RtpengineSettings(**self.model_dump(exclude={"type"}))


class Config(EndpointSettings):
    """The SIP user agent, its telephones, and how it rings dispatch (docs/triggers/sip.md)."""

    model_config = _SETTINGS

    allowed: Annotated[tuple[Network, ...], Field(min_length=1)]
    """Networks with telephones and PBXs. An SOS from them is taken without a password, and never limited."""
    realm: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,253}$")]
    """Domain of the telephones' addresses, and realm of their passwords."""
    algorithms: Annotated[tuple[Literal["SHA-256", "MD5"], ...], Field(min_length=1)] = ("SHA-256", "MD5")
    """Of the digest, the one liked best first. Many telephones know no other than MD5."""
    without_qop: bool = False
    """Take telephones that sign without qop (RFC 2069): who listens in can sign the same for 5 minutes."""
    accounts: dict[Name, AccountSettings] = Field(default_factory=dict)
    """Telephones that register here: endpoint -> account."""
    registrations: dict[Name, RegistrationSettings] = Field(default_factory=dict)
    """PBXs where we are an extension: name -> account there."""
    trunks: dict[Name, TrunkSettings] = Field(default_factory=dict)
    """PBXs and providers that need no registration: name -> where."""
    numbers: dict[Annotated[str, Field(pattern=r"^[0-9A-Za-z*#+]{1,64}$")], Name] = Field(
        default_factory=dict
    )
    """Further extensions: number -> endpoint with an account. The phones' own need not be named."""
    media: Annotated[BuiltinMediaSettings | RtpengineMediaSettings, Field(discriminator="type")] = (
        BuiltinMediaSettings()
    )
    """Who carries the voice."""
    sounds: Annotated[str, Field(pattern=r"^(/[^\x00-\x1f]*)?$")] = ""
    """Folder of the announcements. Default: `sounds` in `state_dir`."""
    record: bool = _EXCHANGE.record
    """Whether SOS calls are recorded."""
    recordings: Annotated[str, Field(pattern=r"^(/[^\x00-\x1f]*)?$")] = ""
    """Folder of the recordings. Default: `recordings` in `state_dir`."""
    in_sequence: bool = _EXCHANGE.in_sequence
    """Ring the people of a tier one after the other instead of all together."""
    ring: Wait = _EXCHANGE.ring
    """Seconds one dispatcher's phone rings before it pauses."""
    pause: Wait = _EXCHANGE.pause
    """Seconds until it rings again."""
    provisional: Wait = _EXCHANGE.provisional
    """Seconds in which a telephone must have answered anything at all, else it counts as missing."""
    provisional_trunk: Wait = _EXCHANGE.provisional_trunk
    """The same for a trunk."""
    console_ring: Wait = _EXCHANGE.console_ring
    """Seconds a console rings in one go."""
    key_wait: Wait = _EXCHANGE.key_wait
    """Seconds to press 1 after the announcement."""
    repeats: Annotated[int, Field(ge=1, le=20)] = _EXCHANGE.repeats
    """How often the announcement is said before the dispatcher counts as not informed."""
    callback_ring: Wait = _EXCHANGE.callback_ring
    """Seconds a phone rings when it is called back."""
    hunt: Wait = _EXCHANGE.hunt
    """Seconds for which dispatch is rung for a phone that hung up too early."""
    routine_ring: Wait = _EXCHANGE.routine_ring
    """Seconds a telephone rings in a routine call."""
    options_every: Wait = 30.0
    """Seconds between two OPTIONS by which a registered telephone proves that it is there."""
    options_misses: Annotated[int, Field(ge=1, le=20)] = 3
    """So many unanswered in a row: offline."""
    shortest_registration: Annotated[int, Field(ge=1, le=3600)] = 60
    """Seconds; who asks for less is told so."""
    longest_registration: Annotated[int, Field(ge=1, le=86_400)] = 600
    """Seconds; who asks for more gets this."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        kinds = (self.accounts, self.registrations, self.trunks)
        names = [name for kind in kinds for name in kind]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"`{twice[0]}` stands twice among accounts, registrations and trunks")
        if lost := next((number for number, name in self.numbers.items() if name not in self.accounts), ""):
            raise ValueError(f"the number `{lost}` leads to an endpoint that has no account")
        if self.shortest_registration > self.longest_registration:
            raise ValueError("`shortest_registration` must not be longer than `longest_registration`")
        return self

    @property
    def digest_algorithms(self) -> tuple[Algorithm, ...]:
        return tuple(Algorithm(name) for name in self.algorithms)

    def reaches(self, endpoint: str) -> bool:
        """Whether we know a way to it: an account, a trunk, a PBX, or a number at one of the latter."""
        user, _, place = endpoint.rpartition("@")
        ways = {*self.trunks, *self.registrations}
        return place in ways if user else endpoint in self.accounts or endpoint in ways

    def is_allowed(self, address: str) -> bool:
        """Whether it is within an allowed network."""
        there = ip_address(address)
        return any(there in network for network in self.allowed)

    def is_trunk(self, endpoint: str) -> bool:
        """Whether `endpoint` lies beyond another PBX, which answers late."""
        return endpoint not in self.accounts

    def exchange(self, times: Times) -> ExchangeSettings:
        """Return how the exchange waits; `times` are those of the site."""
        return ExchangeSettings(
            tiers=(times.escalate_1, times.escalate_2),
            in_sequence=self.in_sequence,
            provisional=self.provisional,
            provisional_trunk=self.provisional_trunk,
            ring=self.ring,
            pause=self.pause,
            console_ring=self.console_ring,
            console_settle=times.console_settle,
            key_wait=self.key_wait,
            repeats=self.repeats,
            redial_wait=times.redial_wait,
            hunt=self.hunt,
            callback_ring=self.callback_ring,
            routine_ring=self.routine_ring,
            record=self.record,
        )
