"""What `sosbridge check` finds at a ZoneMinder. Called by the driver; does nothing that anybody would see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bridge.errors import DeliveryError
from bridge.model import Finding, Say
from bridge.protocols.zoneminder import ZoneMinderApi
from bridge.protocols.zoneminder_values import Monitor

NAMED: Final = 10
"""Monitors that are named at most when one is missing."""


async def findings(api: ZoneMinderApi, name: str, targets: Mapping[str, frozenset[str]]) -> list[Finding]:
    """Log in and look; the first thing that cannot be asked ends the list.

    targets: monitor id -> the presets the site uses there.
    """
    say = Say(name)
    found: list[Finding] = []
    try:
        version = await api.log_in()
        found.append(say.ok(f"ZoneMinder {version}: logged in"))
        if not api.protected:
            found.append(
                say.warning("ZoneMinder asks for no password (OPT_USE_AUTH is off): anybody may do this")
            )
        if not await api.daemons_run():
            found.append(say.error("ZoneMinder's daemons are stopped: nothing is captured or recorded"))
        found += await _rights(api, say, moves=any(targets.values()))
        found += await _monitors(api, say, targets)
    except DeliveryError as error:
        found.append(say.error(str(error)))
    return found


async def _rights(api: ZoneMinderApi, say: Say, *, moves: bool) -> list[Finding]:
    """Least rights (tried on 1.36.33): Stream View, Events Edit, Monitors View; for PTZ Control View."""
    found = []
    if not await api.may_edit_events():
        found.append(say.error("the user may not edit events: no bookmark can be written (Events: Edit)"))
    rights = await api.rights()
    if rights is None:
        if moves:
            text = (
                "the user may not read its own rights (System: View); that it may move cameras is not proven"
            )
            found.append(say.warning(text))
        return found
    if rights.get("Stream") == "None":
        found.append(say.error("the user may not view streams: no alarm can be read back (Stream: View)"))
    if moves and rights.get("Control") == "None":
        found.append(say.error("the user may not move cameras (Control: View)"))
    return found


async def _monitors(api: ZoneMinderApi, say: Say, targets: Mapping[str, frozenset[str]]) -> list[Finding]:
    monitors = {monitor.id: monitor for monitor in await api.monitors()}
    known_presets = await api.presets_of_control_types() if any(targets.values()) else {}
    found = []
    for target, presets in sorted(targets.items()):
        monitor = monitors.get(target)
        if monitor is None:
            some = list(monitors.values())[:NAMED]
            there = ", ".join(f"{m.id} ({m.name})" for m in some) or "none"
            found.append(
                say.error(f"there is no monitor {target}, or the user may not see it; there is {there}")
            )
            continue
        wrong = [*_health(monitor, say), *_presets(monitor, presets, known_presets, say)]
        found += wrong or [say.ok(f"monitor {target} ({monitor.name}): {monitor.fps:g} pictures a second")]
        if presets and not wrong:
            found.append(say.ok(f"monitor {target}: presets can be recalled, but never verified"))
    return found


def _health(monitor: Monitor, say: Say) -> Iterator[Finding]:
    who = f"monitor {monitor.id} ({monitor.name})"
    if not monitor.can_record:
        what = f"function {monitor.function}" if monitor.function else "recording None"
        yield say.error(f"{who} has {what}: a forced alarm records nothing there; use Nodect")
    elif not monitor.alive:
        yield say.error(
            f"{who} gives no pictures: {monitor.status or 'not started'}, {monitor.fps:g} a second"
        )
    if monitor.continuous:
        yield say.warning(
            f"{who} records all the time: a forced alarm joins the running event, which ends by itself at"
            " the section's length; Nodect gives the call a recording of its own"
        )


def _presets(
    monitor: Monitor, presets: frozenset[str], known: Mapping[str, int], say: Say
) -> Iterator[Finding]:
    if not presets:
        return
    who = f"monitor {monitor.id} ({monitor.name})"
    if not monitor.controllable:
        yield say.error(f"{who} is not controllable: no preset can be recalled")
        return
    most = known.get(monitor.control, 0)
    for preset in sorted(presets):
        if not preset.isdigit():
            yield say.error(f"{who}: preset {preset!r} is not a number")
        elif int(preset) > most:
            yield say.warning(f"{who}: preset {preset}, and its control type has {most} (NumPresets)")
