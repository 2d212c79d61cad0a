"""What is written into a Web SDK command, and what is read out of its answers: tables."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.genetec_text import (
    argument,
    checked_command,
    guid,
    guids_in,
    live_video,
    moment,
    plain,
    stamp,
)
from bridge.protocols.genetec_tile import Shown, read_tile
from bridge.protocols.genetec_values import Row
from bridge.simulator.vms.genetec_grammar import GrammarError, commands

CAMERA = "00000001-0000-babe-0000-2b2fbe79920b"


@pytest.mark.parametrize(
    "written",
    [
        CAMERA,
        CAMERA.upper(),
        "{00000001-0000-BABE-0000-2B2FBE79920B}",
        "000000010000babe00002b2fbe79920b",
        f" {CAMERA}\n",
    ],
)
def test_guids(written: str) -> None:
    assert guid(written) == CAMERA


@pytest.mark.parametrize(
    "written", ["", "12", CAMERA[:-1], CAMERA + "0", f"{CAMERA},Name", f"{CAMERA})", "g" * 32, CAMERA * 2]
)
def test_what_is_no_guid(written: str) -> None:
    with pytest.raises(ProtocolError, match="is not a GUID"):
        guid(written)


def test_guids_in_a_text() -> None:
    text = f'Camera=\\"{CAMERA.upper()}\\" Camera="{CAMERA}" 000000a1000000000000000000000001'
    assert guids_in(text) == [CAMERA, "000000a1-0000-0000-0000-000000000001"]


TEXTS = [
    ("SOS TANKFARM-EAST-POST-03", "SOS TANKFARM-EAST-POST-03"),
    ("Post 3, east", "Post 3\\, east"),
    ("Post #3", "Post 3"),
    ("a/b", "a/b"),
    ("a\\b\\", "a/b/"),
    ("a),TriggerAlarm(b", "a]\\,TriggerAlarm[b"),
    ("<b>x</b>", "[b]x[/b]"),
    ("two\r\nlines\x00\u2028here", "two lines here"),
    ("Ä & ß = 50 % + 1", "Ä & ß = 50 % + 1"),
    ("\ud800", "?"),
    ("", ""),
    ("x" * 400, "x" * 300),
]


@pytest.mark.parametrize(("text", "said"), TEXTS)
def test_texts_as_arguments(text: str, said: str) -> None:
    assert argument(text) == said


@pytest.mark.parametrize("text", [text for text, _ in TEXTS if text])
def test_a_text_stays_one_argument(text: str) -> None:
    """Read by the guide's own rules, the command still has three arguments, and the last is the text."""
    q = checked_command(f"AddCameraBookmark({CAMERA},{stamp(0)},{argument(text)})")
    [command] = commands(q)
    assert command.name == "AddCameraBookmark"
    assert command.arguments == (CAMERA, "1970-01-01T00:00:00.000Z", plain(text))


@pytest.mark.parametrize("q", ["", "a\rb", "a\nb", "a\x00b", "a\x7fb", "Do(#3)"])
def test_commands_that_cannot_be_sent(q: str) -> None:
    with pytest.raises(ProtocolError):
        checked_command(q)


@pytest.mark.parametrize("q", ["Do(a", "Do)a(", "Do(a\\b)", "Do", "Do(a) and more", "Do(a>)"])
def test_the_fake_refuses_what_it_cannot_read(q: str) -> None:
    with pytest.raises(GrammarError):
        commands(q)


def test_several_commands_in_one() -> None:
    found = commands(f"GetTile(65,1),DisplayInTile(65,2,{live_video(CAMERA)}),Say(a\\, b)")
    assert [command.name for command in found] == ["GetTile", "DisplayInTile", "Say"]
    assert found[1].arguments == ("65", "2", live_video(CAMERA))
    assert found[2].arguments == ("a, b",)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01T00:00:01.5000000Z", 1.5),
        ("1970-01-01T01:00:01.1234567+01:00", 1.123456),
        ("1970-01-01T00:00:01", 1.0),
        ("yesterday", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("", None),
    ],
)
def test_times_in_answers(text: str, at: float | None) -> None:
    assert moment(text) == at


def test_times_in_commands_are_utc_with_milliseconds() -> None:
    assert stamp(1_767_225_600.0625) == "2026-01-01T00:00:00.062Z"


OTHER = CAMERA.replace("babe", "cafe")
PLAYED = live_video(CAMERA).replace("Live", "Playback")
BOTH = live_video(CAMERA).replace(
    "</Contents>", f'<VideoContent Camera="{OTHER}" VideoMode="Live"/></Contents>'
)


@pytest.mark.parametrize(
    ("content", "shown", "alone"),
    [
        (live_video(CAMERA), Shown.LIVE, CAMERA),
        (live_video(CAMERA).upper(), Shown.NAMED, ""),
        (
            live_video(CAMERA).replace("<TileContentGroup", '<TileContentGroup xmlns="urn:x"'),
            Shown.LIVE,
            CAMERA,
        ),
        (live_video(OTHER), Shown.ABSENT, OTHER),
        (PLAYED, Shown.NOT_LIVE, ""),
        (PLAYED.replace('VideoMode="Playback"', ""), Shown.NOT_LIVE, ""),
        (BOTH, Shown.LIVE, ""),
        ("<TileContentGroup><Contents/></TileContentGroup>", Shown.ABSENT, ""),
        (f"<TileContentGroup>{CAMERA}", Shown.NAMED, ""),
        (f'<!DOCTYPE x [<!ENTITY y "z">]>{live_video(CAMERA)}', Shown.NAMED, ""),
        ({"Camera": CAMERA, "VideoMode": "Live"}, Shown.NAMED, ""),
        ([live_video(CAMERA), live_video(OTHER)], Shown.NAMED, ""),
        ("", Shown.ABSENT, ""),
        (7, Shown.ABSENT, ""),
    ],
)
def test_what_stands_in_a_tile(content: Any, shown: Shown, alone: str) -> None:
    """Only a TileContentGroup that says Live proves a live picture."""
    texts = content if isinstance(content, list) else [content] if isinstance(content, str) else []
    tile = read_tile(json.dumps({"result": {"Content": content}}), texts)
    assert (tile.shown(CAMERA), tile.live_camera) == (shown, alone)


@pytest.mark.parametrize(
    ("value", "flag", "number", "text"),
    [
        (True, True, None, "True"),
        ("false", False, None, "false"),
        (1, True, 1, "1"),
        ("12", None, 12, "12"),
        (None, None, None, ""),
        ("१२", None, None, "१२"),
        ([1], None, None, "[1]"),
        ("9" * 19, None, None, "9" * 19),
        (float("inf"), None, None, "inf"),
    ],
)
def test_columns(value: Any, flag: bool | None, number: int | None, text: str) -> None:
    row = Row({"isonline": value})
    assert (row.flag("IsOnline"), row.number("IsOnline"), row.text("Absent", "IsOnline")) == (
        flag,
        number,
        text,
    )
    assert row.guids("Absent") == []
