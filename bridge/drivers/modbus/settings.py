"""What the site says about a module: where it is, and which coil switches which lamp.

Every address, function code, unit and polarity is the integrator's: manuals disagree, even with themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_SETTINGS: Final = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

Address = Annotated[int, Field(ge=0, le=65535)]
"""As it goes over the wire, from 0; manuals often print it with 1 added."""
OutputName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class OutputSettings(BaseModel):
    """One relay output."""

    model_config = _SETTINGS

    coil: Address
    """The coil that is written."""
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    """Unit id: of the device behind a gateway; a module of its own mostly ignores it."""
    write_code: Literal[5, 15] = 5
    """Function code that writes it: 5 (one coil) or 15 (several)."""
    invert: bool = False
    """Whether the lamp is lit while the coil is 0."""
    read_back: Address | None = None
    """Where the output's state is read. Default: the coil itself."""
    read_code: Literal[0, 1, 2] = 1
    """Function code that reads it: 1 (coils), 2 (discrete inputs), or 0: it cannot be asked."""
    read_invert: bool | None = None
    """Whether what is read is 0 while the lamp is lit. Default: as `invert`."""

    def coil_for(self, *, lit: bool) -> bool:
        """Return what the coil has to be."""
        return lit is not self.invert

    def is_lit(self, bit: bool) -> bool:
        """Return what a bit that was read says of the lamp."""
        inverted = self.invert if self.read_invert is None else self.read_invert
        return bit is not inverted

    @property
    def read_address(self) -> int:
        return self.coil if self.read_back is None else self.read_back


class Config(BaseModel):
    model_config = _SETTINGS

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,253}$")]
    """The module's name or address; of IPv6 without brackets."""
    port: Annotated[int, Field(ge=1, le=65535)] = 502
    """Its TCP port."""
    timeout: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Seconds to connect, and seconds to wait for each answer."""
    settle: Annotated[float, Field(ge=0, le=10)] = 0.5
    """Seconds within which a written output must be read back as such: a PLC needs a cycle."""
    outputs: Annotated[Mapping[OutputName, OutputSettings], Field(min_length=1)]
    """The outputs, by the names that `locations.<tag>.beacons` uses."""

    @model_validator(mode="after")
    def _one_name_each(self) -> Self:
        """Under two names, one incident's end would switch off the other's lamp."""
        names: dict[tuple[int, int], str] = {}
        for name, output in self.outputs.items():
            other = names.setdefault((output.unit, output.coil), name)
            if other != name:
                raise ValueError(
                    f"has coil {output.coil} of unit {output.unit} twice: as `{other}` and as `{name}`"
                )
        return self


def beacons_of(config: Config) -> Iterable[str]:
    """Return the names under which locations may use the outputs. Called by `config.instances`."""
    return config.outputs


def state_of(*, lit: bool) -> str:
    """Return the lamp's state, for a person."""
    return "on" if lit else "off"
