"""What `sosbridge check` finds at an Nx server. Called by the driver; nothing is moved, recorded or shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from bridge.drivers.nx.rules import Recording, recordings_of
from bridge.drivers.nx.settings import Config
from bridge.drivers.nx.triggers import usable
from bridge.errors import DeliveryError
from bridge.model import Finding, Operation, Say, Targets
from bridge.protocols.http import Refused
from bridge.protocols.nx import NxApi
from bridge.protocols.nx_values import Device, Rights, Rule, plain_id

MOST_NAMED: Final = 10
CLOCK_DRIFT: Final = 2.0
"""Seconds by which the clocks may differ before bookmarks and acknowledgements suffer."""
ALL_POWERFUL: Final = frozenset(
    {"00000000-0000-0000-0000-100000000000", "00000000-0000-0000-0000-100000000001"}
)
"""The server's built-in groups of administrators and power users: they may everything that is needed here."""


async def findings(
    api: NxApi, name: str, config: Config, targets: Targets, *, now: Callable[[], float]
) -> list[Finding]:
    """Look at everything; the first thing that cannot be asked ends the list."""
    say = Say(name)
    found: list[Finding] = []
    try:
        await api.session.log_in()
        found += await _server(api, say, now)
        if api.modern:
            found += _rights(await api.rights(), say, targets)
        else:
            found.append(say.warning("this server does not tell the user's rights: they are not proven"))
        devices = {device.id: device for device in await api.devices()}
        for target, presets in sorted(targets.cameras.items()):
            found += await _camera(api, say, target, presets, devices)
        found += await _consoles(api, say, targets.consoles)
        found += await _triggers(api, say, config, targets.consoles)
        found += await _rules(api, say, config, targets, devices)
    except DeliveryError as error:
        found.append(say.error(str(error)))
    return found


async def _server(api: NxApi, say: Say, now: Callable[[], float]) -> list[Finding]:
    site = await api.session.site()
    found = [say.ok(f"{site.brand} {site.version}: logged in, REST v{api.session.version}")]
    if api.session.version > site.api:
        found.append(say.error(f"api is set to v{api.session.version}; the server has up to v{site.api}"))
    if not api.modern:
        found.append(
            say.warning(
                "a server before 6.1 (REST v4): events go by /api/createEvent, a recalled preset is not"
                " verified, and acknowledgements are not seen"
            )
        )
    if site.time is not None and abs(drift := site.time - now()) > CLOCK_DRIFT:
        found.append(
            say.warning(
                f"the server's clock is {drift:+.0f} s from ours: bookmarks will be that far off; use NTP"
            )
        )
    return found


def _rights(rights: Rights, say: Say, targets: Targets) -> Iterator[Finding]:
    """`permissions` are in the vendor's OpenAPI file; the names of access rights are not: see the docs."""
    if rights.groups & ALL_POWERFUL:
        yield say.warning("the user is a power user: a group of its own with less rights is enough")
        return
    if "generateEvents" not in rights.permissions:
        yield say.error('the user may not raise events: give it the permission "Generate events"')
    for right, missing in (
        ("manageBookmarks", "make no bookmarks (Manage bookmarks)"),
        ("userInput", "move no cameras (User input)"),
    ):
        wanted = right != "userInput" or any(targets.cameras.values())
        if wanted and not any(right in granted for granted in rights.resources.values()):
            yield say.warning(f"the user's rights do not show {right}: it may {missing}")


async def _camera(
    api: NxApi, say: Say, target: str, presets: frozenset[str], devices: Mapping[str, Device]
) -> list[Finding]:
    device = devices.get(plain_id(target))
    if device is None:
        there = ", ".join(f"{each.id} ({each.name})" for each in list(devices.values())[:MOST_NAMED])
        return [
            say.error(f"there is no camera {target}, or the user may not see it; there is {there or 'none'}")
        ]
    who = f"camera {device.name} ({target})"
    if not device.live:
        return [say.error(f"{who} gives no pictures: status {device.status}")]
    found = [say.error(text) for text in await _missing_presets(api, who, target, presets)]
    return found or [say.ok(f"{who}: {device.status}")]


async def _missing_presets(api: NxApi, who: str, target: str, wanted: frozenset[str]) -> list[str]:
    if not wanted:
        return []
    try:
        presets = await api.presets(target)
    except Refused as error:
        return [f"{who} lists no presets: {error}"]
    known = {plain_id(preset.id) for preset in presets} | {preset.name for preset in presets}
    there = ", ".join(preset.name for preset in presets[:MOST_NAMED]) or "none"
    return [
        f"{who} has no preset {preset!r}; it has {there}"
        for preset in sorted(wanted)
        if preset not in known and plain_id(preset) not in known
    ]


async def _consoles(api: NxApi, say: Say, consoles: frozenset[str]) -> list[Finding]:
    """Pop-ups go to users; the rules name them, so this only proves that they exist."""
    if not consoles:
        return []
    try:
        users = await api.users()
    except Refused as error:
        return [say.warning(f"the users cannot be listed, so consoles are not proven: {error}")]
    known = {user.id for user in users} | {user.name for user in users}
    there = ", ".join(user.name for user in users[:MOST_NAMED]) or "none"
    return [
        say.error(f"there is no user {console!r} for this console, or it may not be seen; there is {there}")
        for console in sorted(consoles)
        if console not in known and plain_id(console) not in known
    ]


async def _triggers(api: NxApi, say: Say, config: Config, consoles: frozenset[str]) -> list[Finding]:
    """The soft triggers that the settings name, for each console."""
    operations = (Operation.SHOW, Operation.POPUP)
    wanted = {config.trigger_for(operation, console) for operation in operations for console in consoles}
    if not (wanted := wanted - {""}):
        return []
    if not api.modern:
        return [say.error("this server does not list soft triggers: show_trigger and popup_trigger need 6.1")]
    there = await api.triggers()
    return [say.error(why) for name in sorted(wanted) if isinstance(why := usable(name, there), str)]


async def _rules(
    api: NxApi, say: Say, config: Config, targets: Targets, devices: Mapping[str, Device]
) -> list[Finding]:
    if not config.recording_rule:
        return [say.warning("recording_rule is off: nothing proves that an event records anything")]
    if not api.modern:
        return [say.warning("this server does not list its rules: that they record is not proven")]
    try:
        rules = await api.rules()
    except Refused as error:
        return [say.warning(f"the rules cannot be read, so recording is not proven: {error}")]
    known = (devices[each] for target in sorted(targets.cameras) if (each := plain_id(target)) in devices)
    return [finding for device in known for finding in _recorded(say, device, rules, config.source)]


def _recorded(say: Say, device: Device, rules: list[Rule], source: str) -> Iterator[Finding]:
    """What the rules do for one camera."""
    who = f"camera {device.name} ({device.id})"
    found = recordings_of(device.id, rules, source)
    if not found:
        yield say.error(
            f"{who}: no rule records it. Make one: event Generic, source {source}, caption the camera's tag,"
            " action Device recording of this camera with the duration of the event"
        )
        return
    best = max(found, key=_rank)
    if not best.named:
        yield say.error(
            f"{who}: only a rule that takes the event's cameras records it; such a rule runs for the first"
            " camera of an incident and not for the next: give each camera a rule of its own"
        )
    elif not best.caption:
        yield say.error(
            f"{who}: the rule takes any caption, so every SOS of the site starts it, and the first that ends"
            " stops it: put the camera's tag into its caption"
        )
    elif best.seconds:
        yield say.warning(f"{who}: the rule records {best.seconds} s only, not as long as the event")
    else:
        yield say.ok(f"{who}: recorded by the rule for captions with {best.caption}")


def _rank(recording: Recording) -> tuple[bool, bool, bool]:
    return recording.named, bool(recording.caption), not recording.seconds
