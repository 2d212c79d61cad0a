"""`sosbridge record ami`: the bytes of the socket, as they came, and a replay of them."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
from pathlib import Path

import pytest

from bridge.cli.record import Sink, record
from bridge.simulator.ami_server import AmiServer
from bridge.simulator.dialogue import Dialogue
from tests.ami.conftest import SECRET_VARIABLE, MakeAccount
from tests.cli.test_replay import ROOT
from tests.replay.logs import FOLDER, read
from tests.waiting import until

DIALOGUE = FOLDER.parent / "ami" / "22" / "answered.ami"
SITE = """\
site: {{name: Plant, timezone: UTC}}
alarm: {{extensions: ["9110"]}}
pbx:
  - {{name: pbx1, type: ami, host: 127.0.0.1, port: {port}, username: watch, secret: {{env: {secret}}}}}
"""


async def command(site: Path, *more: str) -> asyncio.subprocess.Process:
    run = (
        sys.executable,
        "-c",
        "from bridge.cli import main; main()",
        "record",
        "ami",
        "-c",
        str(site),
        *more,
    )
    return await asyncio.create_subprocess_exec(
        *run, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )


@pytest.fixture
def site(tmp_path: Path, pbx: AmiServer) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(SITE.format(port=pbx.port, secret=SECRET_VARIABLE))
    return path


async def test_a_capture_is_replayed_as_the_calls_that_were_made(
    pbx: AmiServer, site: Path, tmp_path: Path
) -> None:
    recording = await command(site)
    try:
        await until(lambda: pbx.logged_in)
        await pbx.play(Dialogue.load(DIALOGUE), speed=1000.0)
        capture = b""
        async with asyncio.timeout(20):
            while capture.count(b"Event: Hangup") < 2:
                assert recording.stdout is not None
                more = await recording.stdout.read(4096)
                assert more, "it has ended"
                capture += more
        recording.send_signal(signal.SIGINT)
        rest, errors = await asyncio.wait_for(recording.communicate(), 20)
    finally:
        if recording.returncode is None:
            os.kill(recording.pid, signal.SIGKILL)
            await recording.wait()
    assert recording.returncode == 0, errors.decode()
    assert f"bytes from 127.0.0.1:{pbx.port}".encode() in errors
    path = tmp_path / "capture"
    path.write_bytes(capture + rest)
    got = read(path)
    assert got.bad == []
    assert list(got.formats) == ["ami"]
    assert [(row.phone, row.dialled, row.outcome) for row in got.rows.values()] == [
        ("1001", "9110", "answered")
    ]
    assert b"watch-secret" not in capture


async def test_it_ends_after_the_time_given(pbx: AmiServer, account: MakeAccount) -> None:
    file = io.BytesIO()
    sink = Sink(file)
    assert await record(account(), sink, 0.2) == ""
    assert file.getvalue().startswith(b"Asterisk Call Manager/")
    assert sink.written == len(file.getvalue())
    await until(lambda: not pbx.logged_in)


async def test_it_says_that_the_pbx_ended_it(pbx: AmiServer, account: MakeAccount) -> None:
    recording = asyncio.create_task(record(account(), Sink(io.BytesIO()), None))
    await until(lambda: pbx.logged_in)
    pbx.drop()
    async with asyncio.timeout(20):
        assert await recording


class Full(io.BytesIO):
    """A disk without room."""

    def write(self, data: object) -> int:
        raise OSError(28, "No space left on device")


async def test_a_full_disk_ends_it(account: MakeAccount) -> None:
    sink = Sink(Full())
    async with asyncio.timeout(20):
        assert await record(account(), sink, None) == ""
    assert (sink.failed, sink.written) == ("No space left on device", 0)


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [(["--pbx", "other"], 2, b"unknown AMI link `other`"), (["--seconds", "0"], 2, b"--seconds")],
)
async def test_a_wrong_command_line(site: Path, more: list[str], code: int, said: bytes) -> None:
    recording = await command(site, *more)
    out, errors = await asyncio.wait_for(recording.communicate(), 20)
    assert (recording.returncode, out) == (code, b"")
    assert said in errors


async def test_a_wrong_secret(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "wrong")
    recording = await command(site)
    _, errors = await asyncio.wait_for(recording.communicate(), 20)
    assert recording.returncode == 1
    assert b"refused the login of watch" in errors
    assert b"Traceback" not in errors
