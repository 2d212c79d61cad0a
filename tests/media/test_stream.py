"""The streams of the media process: numbers, pace, reports, recordings, prompts."""

from __future__ import annotations

import asyncio
import time
import wave
from itertools import pairwise
from pathlib import Path

import pytest

from bridge.protocols.media import rtcp
from bridge.protocols.media.facade import (
    Digit,
    Law,
    Layout,
    MediaRefused,
    PromptEnded,
    RecordingFailed,
)
from bridge.protocols.media.reception import Report
from tests.media.conftest import Studio, counted, joined
from tests.media.party import Party, tone
from tests.parts.sound import read_samples, write_tone
from tests.waiting import until


async def test_the_numbers_go_on_from_silence_to_prompt_to_relay(builtin: Studio, tmp_path: Path) -> None:
    """One SSRC, no number twice, timestamps that move with the time: a phone hears no break."""
    with Party() as phone, Party(law=Law.PCMU) as dispatcher:
        await builtin.seat("phone", phone)
        await phone.say(5)
        await builtin.media.play("phone", [write_tone(tmp_path / "a.wav", 700, 0.2)])
        await phone.say(15)
        await builtin.seat("dispatcher", dispatcher)
        await builtin.media.join("phone", "dispatcher")
        await dispatcher.say(20)
        await builtin.media.send_digits("phone", "1")
        await dispatcher.say(20)
        heard = phone.heard
        assert len({packet.ssrc for packet in heard}) == 1
        steps = [(b.sequence - a.sequence) & 0xFFFF for a, b in pairwise(heard)]
        assert set(steps) == {1}
        voice = [packet for packet in heard if packet.payload_type == 8]
        gaps = [(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(voice)]
        assert all(gap and gap % 160 == 0 for gap in gaps)
        # One key is ten frames without voice; nothing else may be longer than a late wake-up.
        assert sorted(gaps)[-1] <= 14 * 160
        assert sorted(gaps)[-2] <= 4 * 160


async def test_frames_are_paced(builtin: Studio, tmp_path: Path) -> None:
    with Party() as phone:
        await builtin.seat("phone", phone)
        await until(lambda: len(phone.heard) > 5)
        before, start = len(phone.heard), time.monotonic()
        await asyncio.sleep(1.0)
        frames, seconds = len(phone.heard) - before, time.monotonic() - start
        assert frames == pytest.approx(seconds * 50, abs=3)


async def test_lost_late_and_double_packets_are_relayed_as_they_are_and_counted(builtin: Studio) -> None:
    with Party() as phone, Party() as dispatcher:
        await joined(builtin, phone, dispatcher)
        frames = [phone.frame() for _ in range(60)]
        sent = [*frames[:20], *frames[21:30], frames[31], frames[30], frames[32], frames[32], *frames[33:]]
        for datagram in sent:
            phone.send(datagram)
            await asyncio.sleep(0.002)
        await counted(builtin, "phone", lost=1, late=1, duplicate=1, received=59)
        await until(lambda: len(dispatcher.heard) >= 59)
        start = dispatcher.heard[0].sequence
        numbers = [(packet.sequence - start) & 0xFFFF for packet in dispatcher.heard]
        assert numbers == [*range(20), *range(21, 30), 31, 30, *range(32, 60)]


async def test_a_source_that_begins_anew_is_heard_on(builtin: Studio) -> None:
    with Party() as phone, Party() as dispatcher:
        await joined(builtin, phone, dispatcher)
        await phone.say(10, every=0.005)
        phone.ssrc, phone.sequence, phone.timestamp = 99, 7, 12345
        await phone.say(10, every=0.005)
        await until(lambda: len(dispatcher.heard) >= 19)
        assert len({packet.ssrc for packet in dispatcher.heard}) == 1
        numbers = [packet.sequence for packet in dispatcher.heard]
        assert [(b - a) & 0xFFFF for a, b in pairwise(numbers)] == [1] * (len(numbers) - 1)


async def test_keys_have_the_number_that_each_party_negotiated(builtin: Studio) -> None:
    with Party(event_type=96) as phone, Party(event_type=101) as dispatcher:
        await joined(builtin, phone, dispatcher)
        await dispatcher.say(5)
        await dispatcher.press("9")
        await builtin.told(Digit)
        assert {packet.payload_type for packet in phone.heard} == {8, 96}


async def test_a_key_to_a_party_without_telephone_event_is_told_and_not_relayed(builtin: Studio) -> None:
    with Party() as phone, Party() as dispatcher:
        await builtin.seat("phone", phone, event_type=None)
        await builtin.seat("dispatcher", dispatcher)
        await builtin.media.join("phone", "dispatcher")
        await dispatcher.say(5)
        await dispatcher.press("1")
        await builtin.told(Digit)
        assert {packet.payload_type for packet in phone.heard} == {8}


@pytest.mark.parametrize("without", [(0,), (6,), (6, 7), (7, 8), (0, 1, 2, 3, 4, 6, 8)])
async def test_keys_survive_loss(builtin: Studio, without: tuple[int, ...]) -> None:
    with Party() as phone:
        await builtin.seat("phone", phone)
        await phone.say(3, every=0.005)
        await phone.press("1", without=without, every=0.005)
        assert (await builtin.told(Digit)).digit == "1"


async def test_reports_go_both_ways_and_end_with_bye(builtin: Studio) -> None:
    with Party() as phone:
        await builtin.seat("phone", phone)
        await phone.say(150)
        await until(lambda: bool(phone.told))
        report = rtcp.parse(phone.told[0])
        assert report.sent is not None
        assert report.sent.packets > 50
        assert report.sent.octets == report.sent.packets * 160
        (block,) = report.blocks
        assert (block.ssrc, block.lost) == (phone.ssrc, 0)
        now = rtcp.ntp_time(time.time())
        theirs = Report(report.ssrc or 0, 10, 7, 1, 80, rtcp.middle(report.sent.ntp), 0)
        phone.report(rtcp.build(phone.ssrc, "p", sent=rtcp.Sent(now, 1, 1, 1), report=theirs, bye=True))
        await counted(builtin, "phone", remote_lost=7)
        statistics = await builtin.media.statistics("phone")
        assert statistics.remote_jitter == pytest.approx(0.01)
        assert statistics.round_trip is not None
        assert statistics.said_bye
        await builtin.media.close("phone")
        await until(lambda: rtcp.parse(phone.told[-1]).bye == [report.ssrc])


@pytest.mark.parametrize(("layout", "channels"), [(Layout.STEREO, 2), (Layout.MONO, 1)])
async def test_both_voices_are_in_the_recording(
    builtin: Studio, tmp_path: Path, layout: Layout, channels: int
) -> None:
    file = tmp_path / "call.wav"
    with Party(hertz=440) as phone, Party(hertz=1000, law=Law.PCMU) as dispatcher:
        await joined(builtin, phone, dispatcher)
        began = time.monotonic()
        await builtin.media.start_recording("phone", file, layout)
        await asyncio.gather(phone.say(75), dispatcher.say(75))
        made = await builtin.media.stop_recording("phone")
    assert made.file == file
    assert 1.4 < made.seconds < time.monotonic() - began + 0.1
    assert made.dropped == 0
    with wave.open(str(file)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, channels, 2)
        assert sound.getnframes() == round(made.seconds * 8000)
    left, _ = read_samples(file)
    # A tenth of a second without a gap is enough: a busy machine speaks late now and then.
    parts = [left[at : at + 800].tobytes() for at in range(0, len(left) - 800, 400)]
    if layout is Layout.STEREO:
        assert max(tone(part, 440) for part in parts) > 0.9
    else:
        assert max(min(tone(part, 440), tone(part, 1000)) for part in parts) > 0.4


async def test_a_recording_overwrites_nothing_and_says_what_failed(builtin: Studio, tmp_path: Path) -> None:
    file = tmp_path / "call.wav"
    file.write_text("evidence")
    with Party() as phone:
        await builtin.seat("phone", phone)
        with pytest.raises(MediaRefused, match=r"call\.wav: File exists"):
            await builtin.media.start_recording("phone", file)
        with pytest.raises(MediaRefused, match="No such file or directory"):
            await builtin.media.start_recording("phone", tmp_path / "none" / "call.wav")
        with pytest.raises(MediaRefused, match="not being recorded"):
            await builtin.media.stop_recording("phone")
        assert file.read_text() == "evidence"


async def test_closing_a_leg_completes_its_recording(builtin: Studio, tmp_path: Path) -> None:
    file = tmp_path / "call.wav"
    with Party() as phone:
        await builtin.seat("phone", phone)
        await builtin.media.start_recording("phone", file)
        await phone.say(20)
        await builtin.media.close("phone")
        await until(lambda: len(read_samples(file)[0]) > 1600)
    assert not builtin.of(RecordingFailed)


async def test_a_bad_prompt_is_refused_with_what_to_do(builtin: Studio, tmp_path: Path) -> None:
    wide = tmp_path / "wide.wav"
    with wave.open(str(wide), "wb") as sound:
        sound.setparams((1, 2, 22050, 0, "NONE", ""))
        sound.writeframes(bytes(100))
    junk = tmp_path / "junk.wav"
    junk.write_bytes(b"RIFFjunk")
    with Party() as phone:
        await builtin.seat("phone", phone)
        for file, why in (
            (wide, "22050 Hz.*sox"),
            (junk, "no WAV"),
            (tmp_path, "s a directory"),
            (tmp_path / "no", "No such"),
        ):
            with pytest.raises(MediaRefused, match=why):
                await builtin.media.play("phone", [file])
        good = write_tone(tmp_path / "good.wav", 700, 0.1)
        await builtin.media.play("phone", [good])
        await builtin.told(PromptEnded)
