"""What a Security Center has, for `sosbridge import` and for `check`. Called by the driver."""

from __future__ import annotations

from typing import Final

from bridge.model import Inventory, VmsCamera, VmsConsole
from bridge.protocols.genetec import Failed, WebSdk
from bridge.protocols.http import Refused

SECURITY_DESK: Final = "securitydesk"
"""The ApplicationType of a workstation that shows video, in small letters."""


async def stock(sdk: WebSdk) -> Inventory:
    """Cameras by GUID, consoles by the LogicalId of their monitor.

    PTZ and presets are left out: which property tells of them is not in the public documents.
    Raises DeliveryError.
    """
    rows = await sdk.entities(await sdk.guids_of("Camera"), "Guid", "Name")
    cameras = [(row.guids("Guid"), row.text("Name")) for row in rows]
    return Inventory(
        cameras=tuple(VmsCamera(id=found[0], name=name) for found, name in cameras if found),
        consoles=tuple(VmsConsole(id=number, name=name) for number, name in (await _screens(sdk)).items()),
    )


async def _screens(sdk: WebSdk) -> dict[str, str]:
    """Those where a Security Desk runs; all there are, if the applications cannot be read."""
    try:
        return await monitors(sdk)
    except (Failed, Refused):
        rows = await sdk.entities(await sdk.guids_of("Monitor"), "Name", "LogicalId")
        numbered = [(row.number("LogicalId"), row.text("Name")) for row in rows]
        return {str(number): name for number, name in numbered if number is not None}


async def monitors(sdk: WebSdk) -> dict[str, str]:
    """LogicalId -> name of every monitor of a Security Desk that runs now. Raises DeliveryError."""
    found: dict[str, str] = {}
    applications = await sdk.guids_of("Application")
    columns = ("Name", "ApplicationType", "IsOnline", "Monitors")
    for desk in await sdk.entities(applications, *columns):
        if desk.text("ApplicationType").lower() != SECURITY_DESK or not desk.flag("IsOnline"):
            continue
        for monitor in await sdk.entities(desk.guids("Monitors"), "Name", "LogicalId"):
            number = monitor.number("LogicalId")
            if number is not None:
                found[str(number)] = f"{desk.text('Name')}: {monitor.text('Name')}"
    return found
