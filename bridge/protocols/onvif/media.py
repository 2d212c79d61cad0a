"""The media service (version 1): profiles and the address of a snapshot. Pure. ONVIF Media WSDL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from bridge.errors import ProtocolError
from bridge.protocols.onvif.addresses import Address
from bridge.protocols.onvif.soap import Message, attribute, checked_text, child, children, element, text_at

GET_PROFILES: Final = Message("trt", "GetProfiles")


@dataclass(frozen=True, slots=True)
class Profile:
    """A media profile. `ptz`: whether it can move the camera."""

    token: str
    name: str
    ptz: bool


def read_profiles(answer: Element) -> tuple[Profile, ...]:
    """Raises ProtocolError where there is none at all, or one has no token that could be sent back."""
    found = tuple(
        Profile(attribute(row, "token"), text_at(row, "Name"), child(row, "PTZConfiguration") is not None)
        for row in children(answer, "Profiles")
    )
    if not found or not all(profile.token for profile in found):
        raise ProtocolError("the camera names no media profile, or one without a token")
    for profile in found:
        checked_text(profile.token)
    return found


def get_snapshot_uri(profile: str) -> Message:
    return Message("trt", "GetSnapshotUri", element("trt:ProfileToken", profile))


def read_snapshot_uri(answer: Element) -> Address:
    """Raises ProtocolError if the address is none."""
    return Address.parse(text_at(answer, "MediaUri", "Uri"))
