"""What a site writes about an HTTP system: one request for each operation, with placeholders.

Called by the configuration loader, which shows every mistake with its place; `driver.py` performs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from bridge.errors import ProtocolError
from bridge.model import Capability, Operation
from bridge.protocols.http import SUCCESS
from bridge.protocols.http_outgoing import checked_header, checked_path
from bridge.protocols.http_settings import HttpSettings
from bridge.protocols.secret import Secret
from bridge.protocols.template import Structure, Template, parse_structure, templates_in

_CARRIED: Final = (
    # what every action carries (response.describe)
    *("incident", "tier", "phone", "extension", "location", "spoken", "opened_at", "opened_ts"),
    *("acknowledged_by", "closed_by", "close_reason", "exercise", "title", "missing", "news"),
    # of a call of the past: when it ended, and its time on the clock
    *("ended_ts", "missed"),
    # what is added for a camera, for a console, for dispatch; what an earlier receipt named
    *("camera", "preset", "cameras", "views", "picture", "reference"),
    # what the delivery itself says
    *("target", "operation", "delivery", "driver"),
)
PLACEHOLDERS: Final = frozenset(_CARRIED)
RESERVED_HEADERS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "cookie"})


def _known(template: Template) -> Template:
    unknown = sorted(template.names - PLACEHOLDERS)
    if unknown:
        allowed = ", ".join(sorted(PLACEHOLDERS))
        raise ValueError(f"unknown placeholder {{{unknown[0]}}}; there is {allowed}")
    return template


def _text(value: Any) -> Template:
    if not isinstance(value, str):
        # A YAML number or boolean is not guessed into text: 010 would lose its zero.
        raise ValueError("must be text (put it in quotes)")  # noqa: TRY004 -- pydantic collects ValueError
    template = _known(Template.parse(value))
    if template.converts:
        raise ValueError("conversions such as {preset:int} are for JSON values only")
    return template


def _path(value: Any) -> Template:
    template = _text(value)
    try:
        checked_path(template.text(dict.fromkeys(PLACEHOLDERS, "x")))
    except ProtocolError as error:
        raise ValueError(str(error)) from None
    return template


def _structure(value: Any) -> Structure:
    structure = parse_structure(value)
    for template in templates_in(structure):
        _known(template)
    return structure


def _header_name(name: str) -> str:
    if name.lower() in RESERVED_HEADERS:
        raise ValueError(f"{name} is set by the connection itself")
    if name.lower() == "authorization":
        raise ValueError("credentials have their own setting: auth")
    try:
        checked_header(name, "")
    except ProtocolError as error:
        raise ValueError(str(error)) from None
    return name


def _pointer(pointer: str) -> str:
    if pointer and not pointer.startswith("/"):
        raise ValueError("a JSON Pointer begins with / (RFC 6901), or is empty for the whole document")
    return pointer


_TEXT_SCHEMA: Final = WithJsonSchema({"type": "string"})
_AS_WRITTEN: Final = PlainSerializer(lambda template: template.source, return_type=str)
Text = Annotated[Template, PlainValidator(_text), _AS_WRITTEN, _TEXT_SCHEMA]
PathText = Annotated[Template, PlainValidator(_path), _AS_WRITTEN, _TEXT_SCHEMA]
Json = Annotated[Any, AfterValidator(_structure), WithJsonSchema({})]
HeaderName = Annotated[str, AfterValidator(_header_name)]
Pointer = Annotated[str, AfterValidator(_pointer)]
Status = Annotated[int, Field(ge=100, le=599)]


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Expectation(Settings):
    """What the answer must be. All that is given must hold."""

    status: tuple[Status, ...] = ()
    """Empty: any from 200 to 299."""
    json_values: dict[Pointer, Json] = Field(default={}, alias="json")
    """JSON Pointer -> the value that must stand there."""
    text: Text | None = None
    """Must occur in the body."""


class RequestSettings(Settings):
    """One request. At most one of `json`, `form`, `xml` and `text` is its body."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: PathText
    query: dict[str, Text] = {}
    headers: dict[HeaderName, Text] = {}
    json_body: Json = Field(default=None, alias="json")
    form: dict[str, Text] | None = None
    xml: Text | None = None
    """Placeholders are escaped for XML; sent as `application/xml` unless `headers` says otherwise."""
    text: Text | None = None
    """Control characters in placeholders become blanks; sent as `text/plain; charset=utf-8`."""
    expect: Expectation = Expectation()

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        bodies = [body for body in (self.json_body, self.form, self.xml, self.text) if body is not None]
        if len(bodies) > 1:
            raise ValueError("has more than one body: keep one of json, form, xml and text")
        return self

    @property
    def names(self) -> frozenset[str]:
        """The placeholders it uses."""
        return frozenset[str]().union(*(template.names for template in self._templates()))

    def _templates(self) -> Iterator[Template]:
        yield self.path
        yield from self.query.values()
        yield from self.headers.values()
        yield from templates_in([self.json_body, self.form or {}, self.xml, self.text])
        yield from templates_in([self.expect.json_values, self.expect.text])


class ReadBack(RequestSettings):
    """Asks whether it happened. Only with it a delivery can end as `verified`."""

    within: float = Field(default=2.0, ge=0, le=60)
    """Seconds to wait until what was asked for shows."""


class Action(RequestSettings):
    """The request that does an operation."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    capability: Literal[Capability.REPEATABLE, Capability.ASK_FIRST]
    """`repeatable`: twice is the same as once. `ask_first`: before a repeat, `read_back` is asked."""
    read_back: ReadBack | None = None
    only_if: RequestSettings | None = None
    """Asked before; unless it shows what it must, somebody else's wish stands and nothing is done."""
    missing_status: tuple[Status, ...] = ()
    """Statuses by which the system says that the camera is offline."""
    reference: Pointer | None = None
    """Where the answer (of `read_back` if there is one) names what was made, for `{reference}` later."""

    @model_validator(mode="after")
    def _can_ask(self) -> Self:
        if self.capability is Capability.ASK_FIRST and self.read_back is None:
            raise ValueError("ask_first needs a read_back: there is nothing else to ask")
        return self

    @model_validator(mode="after")
    def _missing_is_no_success(self) -> Self:
        both = sorted(set(self.missing_status) & set(self.expect.status or SUCCESS))
        if both:
            raise ValueError(
                f"missing_status {both[0]} is a success as well: list the others in expect.status"
            )
        return self


class NoAuth(Settings):
    kind: Literal["none"] = "none"


class BasicAuth(Settings):
    """RFC 7617."""

    kind: Literal["basic"]
    user: str
    password: Secret


class BearerAuth(Settings):
    """RFC 6750."""

    kind: Literal["bearer"]
    token: Secret


class HeaderAuth(Settings):
    """A header with a key, as many vendors have it."""

    kind: Literal["header"]
    name: HeaderName
    value: Secret


class WebhookAuth(Settings):
    """Every request is signed (Standard Webhooks 1.0.0, `v1`)."""

    kind: Literal["webhook"]
    secrets: tuple[Secret, ...] = Field(min_length=1, max_length=4)
    """Each `whsec_` and base64. Two while the receiver changes from one to the other."""


Auth = Annotated[NoAuth | BasicAuth | BearerAuth | HeaderAuth | WebhookAuth, Field(discriminator="kind")]


class Listing(RequestSettings):
    """Lists what the system has."""

    rows: Pointer = ""
    """Where the list stands in the answer."""
    id: Pointer
    """Within an entry: what a delivery's `{target}` is."""
    name: Pointer
    """Within an entry: what people call it."""


class Lists(Settings):
    cameras: Listing | None = None
    consoles: Listing | None = None


class Config(HttpSettings):
    auth: Auth = NoAuth()
    requests: Mapping[Operation, Action] = Field(min_length=1)
    """What the system can be asked to do. An operation that is not here is impossible."""
    health: RequestSettings
    """Sent by `sosbridge check`: proves address, certificate and credentials without doing anything."""
    camera_check: RequestSettings | None = None
    """Sent by `sosbridge check` for each camera (`{target}`), and each preset if it names `{preset}`."""
    console_check: RequestSettings | None = None
    """Sent by `sosbridge check` for each console (`{target}`)."""
    inventory: Lists | None = None
    """Sent by `sosbridge import`."""
    idempotency_header: HeaderName | None = "Idempotency-Key"
    """Carries the delivery's id, the same on every attempt."""

    @model_validator(mode="after")
    def _checks_know_no_incident(self) -> Self:
        lists = self.inventory or Lists()
        for name, request, allowed in (
            ("health", self.health, {"driver"}),
            ("camera_check", self.camera_check, {"driver", "target", "preset"}),
            ("console_check", self.console_check, {"driver", "target"}),
            ("inventory.cameras", lists.cameras, {"driver"}),
            ("inventory.consoles", lists.consoles, {"driver"}),
        ):
            wrong = sorted(request.names - allowed) if request else []
            if wrong:
                there = ", ".join(sorted(allowed))
                raise ValueError(f"{name} cannot use {{{wrong[0]}}}: outside an incident there is {there}")
        return self

    @model_validator(mode="after")
    def _beacons_belong_elsewhere(self) -> Self:
        for operation in (Operation.BEACON_ON, Operation.BEACON_OFF):
            if operation in self.requests:
                raise ValueError(
                    f"{operation} is for drivers with beacons of their own (modbus), which locations name:"
                    " this driver has none, so nothing would ever send the request"
                )
        return self

    @model_validator(mode="after")
    def _live_is_more_than_a_status(self) -> Self:
        live = self.requests.get(Operation.PROVE_LIVE)
        if live is not None and not live.expect.json_values and live.expect.text is None:
            raise ValueError("prove_live needs expect.json or expect.text: a status alone shows no picture")
        return self
