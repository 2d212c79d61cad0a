"""The plant as a site file describes it: phones, places, cameras, consoles. Parts of `sections.FileSection`.

As there, the docstring under each setting is its description in the JSON Schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core.core_schema import CoreSchema

from bridge.config.fields import Endpoint, Extension, Language, Line, Name, Section, Switch

OPERATOR: Final = "operator"
SUPERVISOR: Final = "supervisor"
WALL: Final = "wall"


class PhoneSection(Section):
    """One help point."""

    endpoint: Endpoint
    """Its PJSIP endpoint."""
    extension: Extension
    """Its own number: to call it back, and to know it by caller ID where the endpoint is shared."""
    location: Name
    """Tag of the location where it hangs."""
    shared: Switch = False
    """Several phones use this endpoint (a gateway, a trunk): the caller ID tells them apart."""
    kind: Literal["telephone", "video_intercom"] = "telephone"
    """`telephone` or `video_intercom`."""
    callback: Literal["auto_answer", "ring", "never"] = "auto_answer"
    """How it is called back when it hung up too early; `never` where a ringing phone endangers the caller."""
    announce: Switch = True
    """Whether the caller hears announcements (`off` under duress)."""
    language: Language | None = None
    """Of what its caller hears. Default: `site.language`."""
    segment: Name | None = None
    """Name of the network segment that it is connected by: a switch, a fibre. Phones of one segment that stop
    answering together are one fault. Default: that of all phones without one, which share the PBX."""


class ViewSection(Section):
    """A camera as a location wants it; its tag alone will do."""

    camera: Name
    """Tag of the camera."""
    preset: Line | None = None
    """Preset to recall: one of the names under the camera's `presets`, else the VMS's own name or number."""

    @model_validator(mode="before")
    @classmethod
    def _tag_alone(cls, value: object) -> object:
        return {"camera": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        whole = handler.resolve_ref_schema(handler(schema))
        return {"anyOf": [{"type": "string", "description": "Tag of the camera."}, whole]}


class LocationSection(Section):
    """A place of the plant, and what shows it."""

    spoken: Line
    """Its name as the announcement says it."""
    cameras: tuple[ViewSection, ...] = ()
    """Best first: a tag, or `{camera: tag, preset: 7}`."""
    wider: tuple[ViewSection, ...] = ()
    """What an SOS looks at besides: the ways there, the neighbouring bunds."""
    alternates: tuple[ViewSection, ...] = ()
    """The nearest first: each stands in for one of `cameras` that is missing."""
    consoles: tuple[Name, ...] = ()
    """Consoles for its pop-ups and pictures; routine calls go to the first. Default: `alarm.consoles`."""
    beacons: tuple[Name, ...] = ()
    """Its lamps and horns: names of outputs of a driver that has some (`modbus`)."""

    @property
    def views(self) -> tuple[ViewSection, ...]:
        """Every view of it, of all three kinds."""
        return (*self.cameras, *self.wider, *self.alternates)


class CameraSection(Section):
    """One camera: its id in each VMS that has it, as `name-of-the-vms: id`."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Line]

    presets: dict[Name, Line] = Field(default_factory=dict)
    """Own names for presets: `gate: 7`. With any given, locations use these."""

    @property
    def ids(self) -> Mapping[str, str]:
        """Driver name -> the camera's id there."""
        return self.__pydantic_extra__


class ConsoleSection(Section):
    """A screen that people look at, with its id in each VMS that has it, as `name-of-the-vms: id`.

    One that names no VMS is known to each by its own name.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Line]

    endpoint: Endpoint | None = None
    """PJSIP endpoint of the phone on that desk: a call connected to it means a person at the screen."""
    role: Literal["operator", "supervisor", "wall"] = "operator"
    """Whose it is: an `operator`'s, a `supervisor`'s, or the `wall` that everybody sees."""

    @property
    def ids(self) -> Mapping[str, str]:
        """Driver name -> the console's id there."""
        return self.__pydantic_extra__


BESIDE_IDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(CameraSection.model_fields, "cameras"),
    **dict.fromkeys(ConsoleSection.model_fields, "consoles"),
}
"""What stands beside the names of drivers, so that no driver can be called so, and in which section."""
