"""The site files of the ladder drill, made from the tank-farm example as the demo's is.

The house is its own exchange, and has every rung but the fourth and fifth. The office watches a PBX that
rings dispatch, and has a trunk of its own for when that is away. The plant has a real Asterisk with the
dialplan pack.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bridge.cli.demo.site import ALARM, EAST, LEAD, MANAGER, site_of
from bridge.protocols.sip.flow import HostPort
from bridge.simulator.plant import SECRETS, Systems

BEACON: Final = "east-beacon"
COIL: Final = 16
TRUNK: Final = "mobile"
ACCOUNTS: Final[Mapping[str, str]] = {"originate": "originate-secret", "heartbeat": "heartbeat-secret"}
"""Of the simulated PBX, besides the one that watches."""
VARIABLES: Final[Mapping[str, str]] = {f"SOSBRIDGE_DRILL_{name.upper()}": ACCOUNTS[name] for name in ACCOUNTS}
PLANT_SECRETS: Final[Mapping[str, str]] = {
    account: f"SOSBRIDGE_DRILL_PLANT_{account.upper()}" for account in ("watch", *ACCOUNTS)
}
"""AMI account of the plant -> environment variable with its secret."""
FASTER: Final[Mapping[str, float]] = {
    "escalate_1": 6.0,
    "escalate_2": 9.0,
    "console_settle": 0.5,
    "post_roll_emergency": 0.5,
    "post_roll_routine": 0.5,
}
"""Waiting times that are shortened. What a rung is measured by (`picture`, `fallback`) is not among them."""


def house(
    systems: Systems, folder: Path, *, sip_port: int, module_port: int, syslog_port: int
) -> dict[str, Any]:
    """Return the site without a PBX: a dispatcher in each of two tiers, a beacon, a syslog server."""
    site = site_of(systems, folder, sip_port=sip_port, sounds=folder / "sounds")
    site["times"] = dict(FASTER)
    site["dispatch"]["groups"]["shift"]["tiers"] = [[LEAD], [MANAGER]]
    outputs = {BEACON: {"coil": COIL}}
    relay = {"name": "relay", "type": "modbus", "host": "127.0.0.1", "port": module_port, "outputs": outputs}
    site["vms"].append(relay)
    site["locations"][site["phones"][EAST]["location"]]["beacons"] = [BEACON]
    site["response"]["sos"].insert(0, {"do": "beacon_on", "with": "relay"})
    site["syslog"] = [{"name": "siem", "host": "127.0.0.1", "port": syslog_port, "transport": "tcp"}]
    return site


def office(
    systems: Systems, folder: Path, *, sip_port: int, pbx_port: int, trunk: HostPort
) -> dict[str, Any]:
    """Return the site whose PBX rings dispatch, with its own trunk to the shift lead's mobile telephone."""
    site = site_of(systems, folder, sip_port=sip_port, sounds=folder / "sounds")
    site["times"] = dict(FASTER)
    [own] = site["pbx"]
    del own["accounts"]
    own["trunks"] = {TRUNK: {"host": trunk[0], "port": trunk[1]}}
    own["media"] |= {"first_port": 20_000, "last_port": 20_999}
    secret = {"env": next(name for name in SECRETS if "AMI" in name)}
    watch = {"name": "main", "type": "ami", "host": "127.0.0.1", "port": pbx_port}
    site["pbx"] = [watch | {"username": "watch", "secret": secret}, own]
    logins = {
        name: {"username": name, "secret": {"env": env}}
        for name, env in zip(ACCOUNTS, VARIABLES, strict=True)
    }
    group = {"tiers": [[LEAD]], "fallback": [[f"+31612345678@{TRUNK}"]]}
    site["dispatch"] = {
        "pbx": "main",
        "host": "127.0.0.1",
        "port": pbx_port,
        "fallback": own["name"],
        "groups": {"shift": group},
        **logins,
    }
    return site


def plant(systems: Systems, folder: Path, *, ami_port: int, sounds: Path) -> dict[str, Any]:
    """Return the site whose Asterisk rings console and dispatch by the pack: two tiers of one person each.

    sounds: the announcements, where that Asterisk reads them.
    """
    site = systems.site(folder, times=FASTER)
    site["phones"] = {EAST: site["phones"][EAST]}
    place = site["phones"][EAST]["location"]
    site["locations"] = {place: site["locations"][place]}
    site["alarm"]["extensions"] = [ALARM]
    site["pbx"][0] |= {"port": ami_port, "secret": {"env": PLANT_SECRETS["watch"]}}
    site["dispatch"] = {
        "host": "127.0.0.1",
        "port": ami_port,
        "sounds": str(sounds),
        # Its beat is still fresh when the bridge has been killed, however slow this machine is.
        "heartbeat_stale": 60,
        "groups": {"shift": {"tiers": [[LEAD], [MANAGER]]}},
        **{name: {"username": name, "secret": {"env": PLANT_SECRETS[name]}} for name in ACCOUNTS},
    }
    return site
