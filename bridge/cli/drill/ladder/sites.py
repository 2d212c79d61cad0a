"""The two site files of the ladder drill, made from the tank-farm example as the demo's is.

The house is its own exchange, and has every rung but the fourth. The office watches a PBX that rings
dispatch, and has a trunk of its own for when that is away.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bridge.cli.demo.site import EAST, LEAD, MANAGER, site_of
from bridge.protocols.sip.flow import HostPort
from bridge.simulator.plant import SECRETS, Systems

BEACON: Final = "east-beacon"
COIL: Final = 16
TRUNK: Final = "mobile"
ACCOUNTS: Final[Mapping[str, str]] = {"originate": "originate-secret", "heartbeat": "heartbeat-secret"}
"""Of the simulated PBX, besides the one that watches."""
VARIABLES: Final[Mapping[str, str]] = {f"SOSBRIDGE_DRILL_{name.upper()}": ACCOUNTS[name] for name in ACCOUNTS}
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
