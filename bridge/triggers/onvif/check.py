"""Proves a device before it is needed: `sosbridge check`. Makes no subscription: devices allow only a few."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.errors import DeliveryError
from bridge.model import Finding
from bridge.protocols.onvif.camera import Camera

WRONG_CLOCK: Final = 5.0
"""Seconds that a device's clock may be off before a person hears of it."""


async def check_device(subject: str, camera: Camera) -> list[Finding]:
    """Log in, look for the event service, and compare clocks."""
    session = camera.session
    found = [replace(finding, subject=subject) for finding in session.link.warnings()]
    try:
        await camera.address_of("tev")
        text = f"logged in ({session.authentication}), has an event service; press each input once and look"
        found.append(Finding(level="ok", subject=subject, text=text))
    except DeliveryError as error:
        return [*found, Finding(level="error", subject=subject, text=str(error))]
    offset = session.clock_offset
    if offset is not None and abs(offset) > WRONG_CLOCK:
        text = f"its clock is {abs(offset):.0f} s {'ahead' if offset > 0 else 'behind'}: set up NTP"
        found.append(Finding(level="warning", subject=subject, text=text))
    return found
