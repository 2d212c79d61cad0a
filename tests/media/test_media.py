"""What every media must do: the same tests with our own process and with rtpengine."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from bridge.protocols.media import rtpengine as rtpengine_module
from bridge.protocols.media.facade import (
    Digit,
    FirstRtp,
    Law,
    MediaRefused,
    PromptEnded,
    RtpBack,
    RtpSilent,
)
from tests.media.conftest import Studio
from tests.media.party import Party, speaking, tone
from tests.parts.sound import write_tone
from tests.waiting import until


@pytest.mark.parametrize("laws", [(Law.PCMA, Law.PCMA), (Law.PCMU, Law.PCMU), (Law.PCMU, Law.PCMA)])
async def test_two_joined_parties_hear_each_other(studio: Studio, laws: tuple[Law, Law]) -> None:
    with Party(law=laws[0], hertz=440) as phone, Party(law=laws[1], hertz=1000) as dispatcher:
        await studio.seat("phone", phone)
        await studio.seat("dispatcher", dispatcher)
        await studio.media.join("phone", "dispatcher")
        async with speaking(phone, dispatcher):
            await until(lambda: dispatcher.hears(440, clean=0.95, last=8000))
            await until(lambda: phone.hears(1000, clean=0.95, last=8000))


async def test_first_rtp_silence_and_rtp_back_are_told(studio: Studio) -> None:
    with Party() as phone:
        await studio.seat("phone", phone)
        async with speaking(phone):
            assert (await studio.told(FirstRtp)).source == f"127.0.0.1 {phone.port}"
        silent = await studio.told(RtpSilent)
        assert not silent.never
        assert silent.seconds >= 1.5
        async with speaking(phone):
            await studio.told(RtpBack)


async def test_a_party_that_never_says_anything_is_silent_too(studio: Studio) -> None:
    with Party() as phone:
        await studio.seat("phone", phone)
        assert (await studio.told(RtpSilent)).never
        assert not studio.of(FirstRtp)


async def test_keys_are_told_and_relayed(studio: Studio) -> None:
    with Party() as phone, Party() as dispatcher:
        await studio.seat("phone", phone)
        await studio.seat("dispatcher", dispatcher)
        await studio.media.join("phone", "dispatcher")
        async with speaking(phone):
            async with speaking(dispatcher):
                await until(lambda: len(phone.heard) >= 10)
            await dispatcher.press("1#")
            async with speaking(dispatcher):
                await studio.told(Digit, count=2)
                await until(lambda: {packet.payload_type for packet in phone.heard} == {8, 101})
        assert studio.of(Digit) == [Digit(leg="dispatcher", digit="1"), Digit(leg="dispatcher", digit="#")]


async def test_a_prompt_is_heard_once_and_its_end_is_told(studio: Studio, tmp_path: Path) -> None:
    files = [write_tone(tmp_path / "a.wav", 700, 0.3), write_tone(tmp_path / "b.wav", 900, 0.3)]
    with Party() as phone:
        await studio.seat("phone", phone)
        async with speaking(phone):
            await studio.told(FirstRtp)
            number = await studio.media.play("phone", files)
            assert (await studio.told(PromptEnded)).prompt == number
            await until(lambda: _heard_at_all(phone, 700) and _heard_at_all(phone, 900))
        assert len(studio.of(PromptEnded)) == 1


def _heard_at_all(party: Party, hertz: int) -> bool:
    voice = party.voice()
    return any(tone(voice[n : n + 3200], hertz) > 0.95 for n in range(0, len(voice) - 3200, 320))


def _seconds_heard(party: Party, hertz: int) -> float:
    """For how long it heard this tone, in tenths of a second without anything else."""
    voice = party.voice()
    return 0.1 * sum(tone(voice[n : n + 1600], hertz) > 0.95 for n in range(0, len(voice) - 1600, 1600))


async def test_a_prompt_that_repeats_goes_on_until_it_is_stopped(studio: Studio, tmp_path: Path) -> None:
    with Party() as phone:
        await studio.seat("phone", phone)
        async with speaking(phone):
            await studio.told(FirstRtp)
            await studio.media.play("phone", [write_tone(tmp_path / "a.wav", 700, 0.2)], loop=True)
            await until(lambda: _seconds_heard(phone, 700) > 0.8)
            await studio.media.stop_playing("phone")
            await asyncio.sleep(0.3)  # what was on its way comes
            phone.heard.clear()
            await asyncio.sleep(0.3)
        assert tone(phone.voice(), 700) < 0.1
        assert not studio.of(PromptEnded)


async def test_while_a_prompt_plays_the_peer_is_not_heard_and_afterwards_again(
    studio: Studio, tmp_path: Path
) -> None:
    with Party(hertz=440) as phone, Party(hertz=1000) as dispatcher:
        await studio.seat("phone", phone)
        await studio.seat("dispatcher", dispatcher)
        await studio.media.join("phone", "dispatcher")
        async with speaking(phone, dispatcher):
            await until(lambda: phone.hears(1000))
            await studio.media.play("phone", [write_tone(tmp_path / "a.wav", 700, 0.5)])
            await until(lambda: phone.hears(700))
            await studio.told(PromptEnded)
            await until(lambda: phone.hears(1000))
            await until(lambda: dispatcher.hears(440, last=8000))


async def test_legs_part_and_find_another(studio: Studio) -> None:
    with Party(hertz=440) as phone, Party(hertz=700) as first, Party(hertz=1000) as second:
        for name, party in (("phone", phone), ("first", first), ("second", second)):
            await studio.seat(name, party)
        await studio.media.join("phone", "first")
        async with speaking(phone, first, second):
            await until(lambda: phone.hears(700))
            await studio.media.leave("phone")
            await studio.media.join("second", "phone")
            await until(lambda: phone.hears(1000) and second.hears(440))
            first.heard.clear()
            second.heard.clear()
            await until(lambda: second.hears(440))
        assert tone(first.voice(), 440) < 0.1


async def test_keys_are_pressed_for_us(studio: Studio) -> None:
    with Party() as phone, Party() as dispatcher:
        await studio.seat("phone", phone)
        await studio.seat("dispatcher", dispatcher)
        await studio.media.join("phone", "dispatcher")
        async with speaking(phone, dispatcher):
            await until(lambda: len(dispatcher.heard) >= 5)
            await studio.media.send_digits("dispatcher", "12")
            await until(lambda: _ended_keys(dispatcher) == {1, 2})


def _ended_keys(party: Party) -> set[int]:
    """The keys whose end it heard (RFC 4733: the E bit)."""
    events = [packet.payload for packet in party.heard if packet.payload_type == 101]
    return {payload[0] for payload in events if payload[1] & 0x80}


async def test_statistics_count_what_came_and_went(studio: Studio) -> None:
    with Party() as phone, Party() as dispatcher:
        await studio.seat("phone", phone)
        await studio.seat("dispatcher", dispatcher)
        await studio.media.join("phone", "dispatcher")
        async with speaking(dispatcher):
            await phone.say(25)
            await until(lambda: len(dispatcher.heard) >= 25)
            counted = await studio.media.statistics("phone")
        assert counted.received == 25
        assert counted.sent >= 25
        assert counted.source == f"127.0.0.1 {phone.port}"
        assert counted.silent_for is None or counted.silent_for < 20


async def test_a_recording_is_made(studio: Studio, tmp_path: Path) -> None:
    with Party() as phone, Party() as dispatcher:
        await studio.seat("phone", phone)
        await studio.seat("dispatcher", dispatcher)
        await studio.media.join("phone", "dispatcher")
        async with speaking(phone, dispatcher):
            await until(lambda: len(dispatcher.heard) >= 5)
            began = time.monotonic()
            await studio.media.start_recording("phone", tmp_path / "call.wav")
            await asyncio.sleep(1.0)
            made = await studio.media.stop_recording("phone")
        assert 0.9 < made.seconds < time.monotonic() - began + 0.1
        assert made.file.stat().st_size > 8_000


async def test_a_folder_of_recordings_that_hangs_holds_up_no_call(
    rtpengine: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung = threading.Event()
    monkeypatch.setattr(rtpengine_module, "_FOLDER_ANSWERS", 0.05)
    monkeypatch.setattr(Path, "glob", lambda *_: hung.wait())
    with Party() as phone:
        await rtpengine.seat("phone", phone)
        await rtpengine.media.start_recording("phone", tmp_path / "call.wav")
        try:
            with pytest.raises(MediaRefused, match="did not answer"):
                await rtpengine.media.stop_recording("phone")
            await rtpengine.media.close("phone")
        finally:
            hung.set()


@pytest.mark.parametrize("command", ["leave", "stop_playing", "statistics", "stop_recording"])
async def test_a_leg_that_is_not_open_is_refused_by_name(studio: Studio, command: str) -> None:
    with pytest.raises(MediaRefused, match="no leg 'nobody' is open"):
        await getattr(studio.media, command)("nobody")


async def test_what_cannot_be_done_is_refused(studio: Studio, tmp_path: Path) -> None:
    with Party() as phone:
        await studio.seat("phone", phone, event_type=None)
        for refused in (
            studio.media.open("phone"),
            studio.media.join("phone", "phone"),
            studio.media.send_digits("phone", "1"),
            studio.media.stop_recording("phone"),
            studio.media.play("phone", [tmp_path / "none.wav"]),
            studio.media.play("phone", []),
        ):
            with pytest.raises(MediaRefused):
                await refused
        await studio.media.close("phone")
        await studio.media.close("phone")
