"""`sosbridge check` proves what can be proven of a syslog server, and sends it nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from bridge.cli import main
from bridge.protocols.syslog_settings import Transport
from tests.syslog.conftest import MakeServer, Server


def findings(folder: Path, server: Server, *options: str, **changes: Any) -> list[tuple[str, str]]:
    """Return (level, text) of what is said of the server."""
    central = {"name": "central", "host": "127.0.0.1", "port": server.port}
    central |= {"transport": server.transport.value, **changes}
    site = {"site": {"name": "Plant", "timezone": "UTC"}, "alarm": {"extensions": ["9110"]}}
    file = folder / "site.yaml"
    file.write_text(yaml.safe_dump({**site, "syslog": [central]}))
    result = CliRunner().invoke(main, ["check", "-c", str(file), "--json", *options])
    found = json.loads(result.stdout)["findings"]
    said = [(each["level"], each["text"]) for each in found if each["subject"] == "syslog/central"]
    assert result.exit_code == (1 if any(level == "error" for level, _ in said) else 0)
    return said


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.TLS])
def test_a_stream_is_proven(make_server: MakeServer, tmp_path: Path, transport: Transport) -> None:
    server = make_server(transport)
    tls = {"tls": {"ca": str(server.tls.ca)}} if server.tls.ca else {}
    address = f"{transport} 127.0.0.1:{server.port}"
    assert findings(tmp_path, server, **tls) == [("error", f"{address}: nobody listens there")]
    server.start()
    proven = ("ok", f"{address} takes connections, and ends them in order; nothing was sent")
    assert findings(tmp_path, server, **tls) == [proven]
    if tls:
        [(level, text)] = findings(tmp_path, server)
        assert (level, "its certificate is refused" in text) == ("error", True)
        warned = findings(tmp_path, server, tls={"verify": False})
        assert warned == [proven, ("warning", "tls.verify is false: anybody could read what is told")]
    assert server.received() == []


def test_udp_cannot_be_proven_and_that_is_said(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server(Transport.UDP)
    [(level, text)] = findings(tmp_path, server)
    assert level == "ok"
    assert "by UDP nobody can prove that they arrive" in text


def test_a_certificate_of_ours_that_is_refused(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server(Transport.TLS, demands=True)
    server.start()
    ca = str(server.tls.ca)
    [(level, _)] = findings(tmp_path, server, tls={"ca": ca})
    assert level == "error"
    [(level, _)] = findings(tmp_path, server, tls={"ca": ca, "certificate": str(server.tls.certificate)})
    assert level == "ok"


def test_a_file_that_is_missing_is_found_without_contacting_anybody(
    make_server: MakeServer, tmp_path: Path
) -> None:
    server = make_server(Transport.TLS)
    [(level, text)] = findings(tmp_path, server, "--offline", tls={"ca": str(tmp_path / "gone.pem")})
    assert level == "error"
    assert "gone.pem: No such file" in text
    assert findings(tmp_path, server, "--offline") == []
