"""What a camera can do for an alarm: presets, positions, snapshots, outputs. Called by the onvif driver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar
from xml.etree.ElementTree import Element

from bridge.errors import Permanent
from bridge.protocols.http import Effect, HttpAnswer
from bridge.protocols.http_limits import NO_LIMITS, Limits
from bridge.protocols.onvif.addresses import Address
from bridge.protocols.onvif.device import (
    GET_CAPABILITIES,
    GET_RELAYS,
    GET_SERVICES,
    Relay,
    Services,
    read_capabilities,
    read_relays,
    read_services,
    set_relay,
)
from bridge.protocols.onvif.media import (
    GET_PROFILES,
    Profile,
    get_snapshot_uri,
    read_profiles,
    read_snapshot_uri,
)
from bridge.protocols.onvif.ptz import (
    Preset,
    Status,
    get_presets,
    get_status,
    goto_home,
    goto_preset,
    read_presets,
    read_status,
)
from bridge.protocols.onvif.session import CameraRefused, NotAuthorized, Session

SERVICES: Final = {"trt": "media", "tptz": "PTZ", "tev": "event"}

T = TypeVar("T")


class Camera:
    """One camera. profile: token or name of the media profile to use; empty takes the first that can move."""

    def __init__(self, session: Session, *, profile: str = "") -> None:
        self.session = session
        self._wanted = profile
        self._services: Services = {}
        self._profile: Profile | None = None

    async def address_of(self, service: str, limits: Limits = NO_LIMITS) -> Address:
        """Return where a service is (`trt`, `tptz`, `tev`). Raises Permanent if the camera has none."""
        if not self._services:
            self._services = await self._ask_services(limits)
        address = self._services.get(service)
        if address is None:
            raise Permanent(f"{self.session.name}: the camera has no {SERVICES[service]} service")
        return address

    async def profile(self, limits: Limits = NO_LIMITS) -> Profile:
        """Return the media profile in use. Raises Permanent if the one that is wanted does not exist."""
        if self._profile is None:
            media = await self.address_of("trt", limits)
            self._profile = self._choose(await self.session.ask(media, GET_PROFILES, read_profiles, limits))
        return self._profile

    async def presets(self, limits: Limits = NO_LIMITS) -> Sequence[Preset]:
        ptz, token = await self._ptz(limits)
        return await self.session.ask(ptz, get_presets(token), read_presets, limits)

    async def goto_preset(self, preset: str, limits: Limits = NO_LIMITS) -> None:
        """Start to move. Raises CameraRefused for an unknown preset, if the camera cares."""
        ptz, token = await self._ptz(limits)
        await self.session.ask(ptz, goto_preset(token, preset), _yes, limits, effect=Effect.REPEATABLE)

    async def goto_home(self, limits: Limits = NO_LIMITS) -> None:
        """Start to move. Raises CameraRefused where no home is stored."""
        ptz, token = await self._ptz(limits)
        await self.session.ask(ptz, goto_home(token), _yes, limits, effect=Effect.REPEATABLE)

    async def status(self, limits: Limits = NO_LIMITS) -> Status | None:
        """Return where the camera stands; None from one that does not do this (it is optional)."""
        ptz, token = await self._ptz(limits)
        try:
            return await self.session.ask(ptz, get_status(token), read_status, limits)
        except NotAuthorized:
            raise
        except CameraRefused:
            return None

    async def snapshot(self, limits: Limits = NO_LIMITS) -> HttpAnswer | None:
        """Return the answer to asking for a picture; None from a camera that has no snapshots."""
        media = await self.address_of("trt", limits)
        token = (await self.profile(limits)).token
        try:
            where = await self.session.ask(media, get_snapshot_uri(token), read_snapshot_uri, limits)
        except NotAuthorized:
            raise
        except CameraRefused:
            return None
        return await self.session.fetch(where, limits)

    async def relays(self, limits: Limits = NO_LIMITS) -> Sequence[Relay]:
        return await self.session.ask(self.session.device, GET_RELAYS, read_relays, limits)

    async def set_relay(self, token: str, limits: Limits = NO_LIMITS, *, active: bool) -> None:
        """Switch an output. Raises CameraRefused for an unknown one."""
        message = set_relay(token, active=active)
        await self.session.ask(self.session.device, message, _yes, limits, effect=Effect.REPEATABLE)

    async def close(self) -> None:
        await self.session.close()

    async def _ask_services(self, limits: Limits) -> Services:
        """Cameras older than GetServices are asked the older question."""
        device = self.session.device
        try:
            found = await self.session.ask(device, GET_SERVICES, read_services, limits)
        except NotAuthorized:
            raise
        except CameraRefused:
            found = {}
        return found or await self.session.ask(device, GET_CAPABILITIES, read_capabilities, limits)

    async def _ptz(self, limits: Limits) -> tuple[Address, str]:
        """Return the PTZ service and the token of a profile that can move."""
        address = await self.address_of("tptz", limits)
        profile = await self.profile(limits)
        if not profile.ptz:
            raise Permanent(f"{self.session.name}: profile {profile.token} ({profile.name}) cannot move")
        return address, profile.token

    def _choose(self, profiles: Sequence[Profile]) -> Profile:
        if not self._wanted:
            return next((profile for profile in profiles if profile.ptz), profiles[0])
        for profile in profiles:
            if self._wanted in (profile.token, profile.name):
                return profile
        there = ", ".join(f"{profile.token} ({profile.name})" for profile in profiles[:10])
        raise Permanent(f"{self.session.name}: there is no profile {self._wanted!r}; there is {there}")


def _yes(_: Element) -> None:
    """An answer that only says yes."""
