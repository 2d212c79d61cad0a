"""Proves an ARI user before it is needed: `sosbridge check`. Asks only what changes nothing.

Its WebSocket has an application name of its own: the running bridge's would be driven out.
"""

from __future__ import annotations

from typing import Final

from bridge.errors import ConfigError, DeliveryError, Permanent, ProtocolError
from bridge.model import Clock, Finding
from bridge.protocols.ari import Rest, connect
from bridge.protocols.ari.events import text_at
from bridge.triggers.ari.mapping import LINKEDID
from bridge.triggers.ari.settings import Config

_ASKS_TO_WRITE: Final = "sosbridge-no-such-channel"
"""A channel that nobody has: a user who may write is told so, one who may not is refused before."""

DEVICE_STATES: Final = "res_stasis_device_state.so"

_Line = tuple[str, str]
"""Level and text."""


async def check_user(subject: str, config: Config, clock: Clock) -> list[Finding]:
    """Return what is good and what is wrong with the user, for a person. subject: the link (`ari/pbx1`)."""
    try:
        rest = Rest(config, name=subject, clock=clock)
    except ConfigError as error:
        return [Finding(level="error", subject=subject, text=str(error))]
    try:
        await (await connect(config, app=config.app_name(f"{subject}/check"), clock=clock)).close()
        lines = [await _version(rest), await _linkedid(rest), await _excess(rest)]
        lines += await _device_states(rest)
    except (DeliveryError, ProtocolError, ConfigError) as error:
        return [Finding(level="error", subject=subject, text=str(error))]
    finally:
        await rest.close()
    return [
        *(Finding(level=level, subject=subject, text=text) for level, text in lines),
        *rest.warnings(),
    ]


async def _version(rest: Rest) -> _Line:
    info = await rest.get("/asterisk/info", only="system")
    return "ok", f"events arrive, Asterisk {text_at(info, 'system', 'version')}"


async def _linkedid(rest: Rest) -> _Line:
    """`channelvars` itself cannot be asked for; a channel shows it."""
    rows = await rest.get("/channels")
    if not rows:
        return "ok", f"`channelvars` with {LINKEDID} is proven by the first call only: make one and look"
    if text_at(rows[0], "channelvars", LINKEDID):
        return "ok", f"`channelvars` names {LINKEDID}"
    return "error", f"ari.conf's `channelvars` must name {LINKEDID}: calls cannot be told apart without it"


async def _device_states(rest: Rest) -> list[_Line]:
    """A bug of Asterisk: a WebSocket that closes while a device changes its state may block ARI for good.

    Without this module no application hears of device states (docs/triggers/ari.md).
    """
    try:
        await rest.get(f"/asterisk/modules/{DEVICE_STATES}")
    except Permanent as error:
        if getattr(error, "status", None) == 404:
            return []
        raise
    text = f"{DEVICE_STATES} is loaded: when a link ends it may block ARI until Asterisk is restarted"
    return [("warning", f"{text}; put `noload = {DEVICE_STATES}` into modules.conf (docs/triggers/ari.md)")]


async def _excess(rest: Rest) -> _Line:
    try:
        await rest.delete(f"/channels/{_ASKS_TO_WRITE}")
    except Permanent as error:
        if getattr(error, "status", None) == 403:
            return "ok", "has no rights beyond watching"
    return "warning", "has all rights, a watcher needs none: set `read_only = yes` in ari.conf"
