"""The section `syslog` of a site file, as servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.config import SiteError, load_text
from bridge.config.effective import effective
from bridge.protocols.syslog import Facility
from bridge.protocols.syslog_settings import SyslogServer, SyslogTls, Transport

SITE = {"site": {"name": "Plant", "timezone": "UTC"}, "alarm": {"extensions": ["9110"]}}


def text_of(*servers: dict[str, Any]) -> str:
    return yaml.safe_dump({**SITE, "syslog": list(servers)})


def servers_of(*servers: dict[str, Any]) -> tuple[SyslogServer, ...]:
    return load_text(text_of(*servers)).syslog


def test_without_a_word_there_is_none() -> None:
    assert load_text(yaml.safe_dump(SITE)).syslog == ()


@pytest.mark.parametrize(("transport", "port"), [("udp", 514), ("tcp", 601), ("tls", 6514)])
def test_the_least_that_must_be_said(transport: str, port: int) -> None:
    [server] = servers_of({"name": "central", "host": "log.example", "transport": transport})
    assert server == SyslogServer(
        name="central", host="log.example", port=port, transport=Transport(transport)
    )


def test_everything_that_can_be_said() -> None:
    [server] = servers_of(
        {
            "name": "central",
            "host": "2001:db8::7",
            "port": 7000,
            "transport": "tls",
            "tls": {"ca": "/etc/ca.pem", "certificate": "/etc/own.pem", "key": "/etc/key.pem"},
            "facility": "audit",
            "enterprise": 4711,
            "max_bytes": 8192,
            "start": "beginning",
            "confirm": False,
            "away_after": "2 min",
        }
    )
    assert server == SyslogServer(
        name="central",
        host="2001:db8::7",
        port=7000,
        transport=Transport.TLS,
        tls=SyslogTls(ca=Path("/etc/ca.pem"), certificate=Path("/etc/own.pem"), key=Path("/etc/key.pem")),
        facility=Facility.AUDIT,
        enterprise=4711,
        max_bytes=8192,
        from_beginning=True,
        confirm=False,
        away_after=120.0,
    )
    assert server.address == "tls [2001:db8::7]:7000"


@pytest.mark.parametrize("transport", list(Transport))
def test_what_is_shown_means_the_same(transport: Transport) -> None:
    site = load_text(text_of({"name": "central", "host": "log.example", "transport": transport.value}))
    assert load_text(yaml.safe_dump(effective(site))).syslog == site.syslog


@pytest.mark.parametrize("host", ["", "log.example:514", "[::1]", "a b", "a\n", "::1:2:3:4:5:6:7:8", "büro"])
def test_a_host_that_is_none(host: str) -> None:
    with pytest.raises(SiteError, match=r"syslog\[0\]\.host"):
        servers_of({"name": "central", "host": host, "transport": "udp"})


@pytest.mark.parametrize("facility", list(Facility))
def test_every_facility_can_be_written(facility: Facility) -> None:
    [server] = servers_of(
        {"name": "central", "host": "::1", "transport": "udp", "facility": facility.name.lower()}
    )
    assert server.facility is facility
