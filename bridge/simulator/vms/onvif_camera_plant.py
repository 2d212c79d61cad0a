"""What stands behind the fake camera of `onvif_camera.py`: presets, where it looks, inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Place = tuple[float, float, float]
"""Pan, tilt, zoom in ONVIF's generic units."""


@dataclass(frozen=True, slots=True)
class FakePreset:
    name: str
    place: Place


@dataclass(slots=True)
class Optics:
    """Everything that a request can change."""

    presets: dict[str, FakePreset]
    """token -> preset."""
    home: Place | None = (0.0, 0.0, 0.0)
    """None: none is stored."""
    recalled: list[str] = field(default_factory=list)
    """Tokens that the camera went to, in order; `home` for home."""
    relays: dict[str, bool] = field(default_factory=dict)
    snapshots: int = 0
    travel: float = 0.0
    """Seconds that every movement takes."""
    _from: Place = (0.0, 0.0, 0.0)
    _to: Place = (0.0, 0.0, 0.0)
    _left: float = float("-inf")

    def go(self, what: str, place: Place, now: float) -> None:
        self.recalled.append(what)
        self.steer(place, now)

    def steer(self, place: Place, now: float) -> None:
        """Move as an operator does, by joystick."""
        self._from, self._to, self._left = self.place(now), place, now

    def moving(self, now: float) -> bool:
        return now < self._left + self.travel

    def place(self, now: float) -> Place:
        """Where it looks: on the straight way between two places while it moves."""
        if not self.moving(now):
            return self._to
        part = (now - self._left) / self.travel
        pan, tilt, zoom = (
            begin + part * (end - begin) for begin, end in zip(self._from, self._to, strict=True)
        )
        return (pan, tilt, zoom)


@dataclass(slots=True, kw_only=True)
class Habits:
    """How this make of camera behaves. The defaults are those of a good one."""

    authentication: str = "wss"
    """`wss`, `digest` (HTTP Digest only) or `none`."""
    algorithms: tuple[str, ...] = ("SHA-256", "MD5")
    """Of the HTTP Digest challenges, in order."""
    refusal_status: int = 400
    """HTTP status of a WS-Security refusal."""
    fault_status: int = 400
    """HTTP status of every other fault: 400, 500, even 200."""
    clock_offset: float = 0.0
    """Seconds that its clock is ahead."""
    tells_time: bool = True
    """Whether it answers GetSystemDateAndTime without authentication."""
    tolerance: float = 5.0
    """Seconds that the time in a digest may be off."""
    host_told: str = ""
    """Host and port in the addresses it names; empty: the right ones."""
    knows_services: bool = True
    """False: it is older than GetServices."""
    believes_anything: bool = False
    """It says yes to unknown presets, as ipycam does, and stays where it is."""
    namespaces: bool = True
    """False: its answers leave the service's namespace out, as ipycam's GetPresets does."""
    tells_position: bool = True
    """False: it has no GetStatus, and no positions of presets."""
    tells_preset_positions: bool = True
    tells_movement: bool = True
    """False: its status has no MoveStatus."""
    snapshot: bytes | None = None
    """The picture it gives; None: it has no snapshots."""
    snapshot_kind: str = "image/jpeg"
    pulse_relays: frozenset[str] = frozenset()
    """Outputs of mode Monostable: they fall back by themselves."""


@dataclass(slots=True, kw_only=True)
class EventHabits:
    """How it treats subscriptions."""

    longest: float = 3600.0
    """Seconds that it grants at most: a subscription is shortened without a word."""
    tells_times: bool = True
    """False: its answers do not say until when."""
    absolute: bool = True
    relative: bool = True
    """Whether it takes times, and durations."""
    by_parameters: bool = True
    """Subscriptions differ in a reference parameter; False: in their address."""
    at_most: int = 3
    unsubscribing_ends_all: bool = False
    inputs: Mapping[str, bool] = field(default_factory=dict)
    """Digital inputs and their first state."""
