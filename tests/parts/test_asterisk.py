"""The test PBXs themselves: they start, carry calls, hear and play sounds, and end without a trace."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest

from tests.conftest import StartAsterisk
from tests.parts.asterisk import Endpoint, install_of_system
from tests.parts.asterisk_files import fill, modules_conf, pjsip_sections
from tests.parts.processes import PartError
from tests.parts.sip import Phone, Phones, answers, calls, calls_and_is_refused
from tests.parts.sound import write_tone

DIALPLAN = """
[phones]
exten => 9110,1,UserEvent(Rings,Caller: ${CALLERID(num)})
 same => n,MixMonitor(${UNIQUEID}.wav)
 same => n,Dial(PJSIP/9110,10)
 same => n,Hangup()
exten => 9120,1,Answer()
 same => n,Playback(@SOUNDS@/prompt)
 same => n,Verbose(1,first ${PLAYBACKSTATUS})
 same => n,SayDigits(7)
 same => n,Playback(digits/1)
 same => n,Verbose(1,second ${PLAYBACKSTATUS})
 same => n,Set(got=${LOCK(one)})
 same => n,Verbose(1,lock ${got} stat ${STAT(e,@SOUNDS@/prompt.wav)})
 same => n,Hangup()
"""
ENDPOINTS = [Endpoint(name="1001"), Endpoint(name="9110", port=-1)]


def test_a_call_goes_end_to_end_and_is_in_every_log(asterisk: StartAsterisk, phones: Phones) -> None:
    pbx = asterisk(files={"extensions.conf": DIALPLAN}, endpoints=ENDPOINTS)
    console = phones.answer(answers(after=0.1), pbx.port_of("9110"), calls_wanted=1)

    caller = phones.call(calls(Phone("1001"), hangs_up_after=0.3), pbx.sip_port, "9110").finish()
    console.finish()

    assert [message.first_line for message in caller.messages if not message.sent] == [
        *("SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 200 OK", "SIP/2.0 200 OK")
    ]
    assert "1001" in console.received("INVITE")[0].header("From")
    assert 'Executing [9110@phones:1] UserEvent("PJSIP/1001-' in pbx.log()
    assert re.search("WARNING|ERROR", pbx.log()) is None
    pbx.stop()  # the CSV files are written by then
    assert '"ANSWERED"' in (pbx.log_folder / "cdr-custom" / "Master.csv").read_text()
    assert '"LINKEDID_END"' in (pbx.log_folder / "cel-custom" / "Master.csv").read_text()
    assert [file.suffix for file in pbx.recordings.iterdir()] == [".wav"]


def test_own_and_packaged_sounds_play(asterisk: StartAsterisk, phones: Phones) -> None:
    pbx = asterisk(files={"extensions.conf": DIALPLAN}, endpoints=ENDPOINTS)
    write_tone(pbx.sounds / "prompt.wav", 440, 0.2)

    phones.call(calls(Phone("1001")), pbx.sip_port, "9120").finish()

    said = [line.rpartition(": ")[2] for line in pbx.log().splitlines() if "app_verbose.c" in line]
    assert said == ["first SUCCESS", "second SUCCESS", "lock 1 stat 1"]


def test_restart_keeps_the_ports_and_ends_the_calls(asterisk22: StartAsterisk, phones: Phones) -> None:
    pbx = asterisk22(files={"extensions.conf": DIALPLAN}, endpoints=ENDPOINTS)
    phones.answer(answers(), pbx.port_of("9110"))
    caller = phones.call(calls(Phone("1001")), pbx.sip_port, "9110")
    caller.wait_received("200")
    assert len(pbx.channels()) == 2

    pbx.restart()

    assert pbx.channels() == []
    phones.call(calls_and_is_refused(Phone("1001"), 404), pbx.sip_port, "777").finish()


def test_killed_and_closed_it_leaves_nothing(asterisk22: StartAsterisk) -> None:
    pbx = asterisk22()
    pid = pbx.pid
    pbx.kill()
    assert not pbx.running
    pbx.start()
    folder, pid_of_second = pbx.folder, pbx.pid
    pbx.close()
    assert not folder.exists()
    assert not any(Path(f"/proc/{old}").exists() for old in (pid, pid_of_second))


def test_a_mistake_in_the_test_leaves_no_folder_behind(
    asterisk22: StartAsterisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(ValueError, match="unknown word @NOWHERE@"):
        asterisk22(files={"extensions.conf": "@NOWHERE@"})
    with pytest.raises(ValueError, match="no module app_nothing"):
        asterisk22(modules=["app_nothing"])
    assert list(tmp_path.iterdir()) == []


def test_a_broken_configuration_shows_the_log(asterisk22: StartAsterisk) -> None:
    with pytest.raises(PartError, match=r"asterisk ended with [12] before .*(?s:.)*out\.log"):
        asterisk22(files={"modules.conf": "[modules]\nautoload=no\nrequire = no_such_module.so\n"})


def test_unknown_words_and_modules_are_refused() -> None:
    with pytest.raises(ValueError, match="@SIP_PROT@; known: SIP_PORT"):
        fill("bind=@SIP_PROT@", {"SIP_PORT": "5060"})
    with pytest.raises(ValueError, match="no module app_nothing"):
        modules_conf(["app_dial"], ["app_nothing"])


def test_endpoints_become_sections() -> None:
    text = pjsip_sections([Endpoint(name="1002", password="pw", port=5070, settings={"rtp_timeout": "9"})])
    for expected in ("auth=1002", "password=pw", "contact=sip:1002@127.0.0.1:5070", "rtp_timeout=9"):
        assert expected in text.splitlines()


def test_an_installed_asterisk_is_used_when_it_is_whole(tmp_path: Path) -> None:
    assert install_of_system("/usr/sbin/asterisk", tmp_path) is None
    modules = tmp_path / "usr/lib/asterisk/modules"
    modules.mkdir(parents=True)
    assert install_of_system("/usr/sbin/asterisk", tmp_path) is None
    (tmp_path / "var/lib/asterisk/documentation").mkdir(parents=True)
    found = install_of_system("/usr/sbin/asterisk", tmp_path)
    assert found is not None
    assert (found.command, found.modules) == (("/usr/sbin/asterisk",), modules)
