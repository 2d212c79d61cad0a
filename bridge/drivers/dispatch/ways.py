"""Which way a site's settings name, for its calls and for its heartbeat. Used by `Driver` and by `app`."""

from __future__ import annotations

from typing import Final

from bridge.drivers.dispatch.ami_way import AmiWay
from bridge.drivers.dispatch.ari_way import AriWay
from bridge.drivers.dispatch.request import Call
from bridge.drivers.dispatch.settings import Config
from bridge.drivers.dispatch.way import Heard, Way
from bridge.errors import ConfigError
from bridge.model import Clock

NOTED_WITHIN: Final = 2.0
"""Seconds until the PBX must have said that it noted a beat."""
TRIED_WITHIN: Final = 10.0
"""Seconds for a trial: whoever checks has time, and a busy PBX is not a broken one."""
BEAT: Final = Call(
    id="beat",
    channel="Local/beat@sos-heartbeat/n",
    context="sos-heartbeat",
    exten="noted",
    seconds=NOTED_WITHIN,
    once=False,
)
"""The shortest call there is. It is answered once the PBX has noted its own time."""
TRIAL: Final = Call(
    id="trial",
    channel="Local/tried@sos-heartbeat/n",
    context="sos-heartbeat",
    exten="noted",
    seconds=TRIED_WITHIN,
    once=False,
)
"""A beat that notes nothing: a bridge that does not run must not pass for alive because it is checked."""


def way_of_calls(config: Config, *, name: str, clock: Clock, heard: Heard) -> Way:
    """Return the way by which calls are started. Raises ConfigError if the TLS settings cannot be used."""
    if config.ari is not None:
        return AriWay(config.ari, name=name, clock=clock, heard=heard)
    if config.originate is not None:
        return AmiWay(config.account(config.originate), name=name, clock=clock, heard=heard)
    raise ConfigError(f"{name}: neither `originate` nor `ari` is set")


def way_of_beats(config: Config, *, name: str, clock: Clock) -> Way:
    """Return the way of the heartbeat, a connection of its own. Raises as `way_of_calls`."""
    if config.heartbeat is not None:
        return AmiWay(config.account(config.heartbeat), name=name, clock=clock, heard=_ignore)
    if config.ari is not None:
        return AriWay(config.ari, name=name, clock=clock, heard=_ignore)
    raise ConfigError(f"{name}: neither `heartbeat` nor `ari` is set")


def _ignore(_report: object) -> None:
    """A beat is of no delivery."""
