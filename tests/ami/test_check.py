"""`sosbridge check` of an AMI account, on a fake PBX; test_real_asterisk.py does it on real ones."""

from __future__ import annotations

import pytest

from bridge.model import Clock
from bridge.protocols.http_settings import TlsSettings
from bridge.simulator.ami_server import WATCHER, AmiServer
from bridge.triggers.ami import check as check_module
from bridge.triggers.ami.check import check_account
from tests.ami.conftest import SECRET_VARIABLE, MakeAccount


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_module, "_ECHO", 0.05)


async def lines_of(account: MakeAccount, clock: Clock, **settings: object) -> list[tuple[str, str]]:
    findings = await check_account("ami/pbx1", account(**settings), clock)
    assert {finding.subject for finding in findings} == {"ami/pbx1"}
    return [(finding.level, finding.text) for finding in findings]


async def test_rights_of_a_watcher(account: MakeAccount, running_clock: Clock) -> None:
    async with AmiServer(actions=WATCHER) as pbx:
        pbx.echo_logins = True
        lines = await lines_of(account, running_clock, port=pbx.port)
    assert lines == [
        ("ok", "logged in, Asterisk simulated, AMI 11.0.0"),
        ("ok", "may list channels (0 now)"),
        ("ok", "has no rights beyond watching"),
        ("ok", "`read = call,user` is proven by the first call only: make one and look"),
    ]


async def test_rights_that_are_missing_or_too_many(account: MakeAccount, running_clock: Clock) -> None:
    async with AmiServer(actions=WATCHER - {"CoreShowChannels", "CoreSettings"} | {"Originate"}) as pbx:
        lines = await lines_of(account, running_clock, port=pbx.port)
    assert lines[0] == ("ok", "logged in, AMI 11.0.0")
    assert lines[1][0] == "error"
    assert "write = reporting" in lines[1][1]
    assert lines[2] == (
        "warning",
        "has more rights than a watcher needs, take `originate` off `write`",
    )
    assert [level for level, _ in lines[3:]] == ["ok", "warning", "warning"]
    assert "security" in lines[4][1]
    assert "timestampevents" in lines[5][1]


async def test_nobody_there(account: MakeAccount, running_clock: Clock) -> None:
    [(level, text)] = await lines_of(account, running_clock, port=1)
    assert level == "error"
    assert "127.0.0.1:1 cannot be reached" in text


async def test_wrong_secret(
    account: MakeAccount, running_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "wrong")
    [(level, text)] = await lines_of(account, running_clock)
    assert (level, "Authentication failed" in text) == ("error", True)
    monkeypatch.delenv(SECRET_VARIABLE)
    [(level, text)] = await lines_of(account, running_clock)
    assert (level, "is not set" in text) == ("error", True)


async def test_pbx_that_hangs_after_the_login(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock
) -> None:
    pbx.before_snapshot = pbx.freeze
    [(level, text)] = await lines_of(account, running_clock, action_timeout=0.05)
    assert level == "error"
    assert text.startswith("logged in, then: no answer to CoreShowChannels")


async def test_pbx_that_takes_one_login_only(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pbx.before_snapshot = lambda: monkeypatch.setenv(SECRET_VARIABLE, "wrong from now on")
    level, text = (await lines_of(account, running_clock))[-1]
    assert level == "warning"
    assert "allowmultiplelogin" in text


@pytest.mark.parametrize(
    ("host", "tls", "warning"),
    [
        ("127.0.0.1", None, ""),
        ("10.0.0.5", None, "no TLS"),
        ("10.0.0.5", TlsSettings().context(), ""),
        ("10.0.0.5", TlsSettings(verify=False).context(), "any certificate"),
    ],
)
def test_transport(account: MakeAccount, host: str, tls: object, warning: str) -> None:
    lines = check_module._transport(account(host=host, tls=tls))
    assert warning in "".join(text for _, text in lines)
    assert bool(lines) == bool(warning)
