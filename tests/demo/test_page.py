"""The page of the demo: legible at 80 columns, in order, and plain where there is no terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bridge.cli.demo.page import BRIDGE, Page
from bridge.model import Delivery, DeliveryState, Operation, Tier


class Shown:
    """A page and what is on it."""

    def __init__(self, width: int = 80, encoding: str = "utf-8") -> None:
        self.file = io.TextIOWrapper(io.BytesIO(), encoding, errors="replace")
        console = Console(file=self.file, width=width, highlight=False, emoji=False, markup=False)
        self.page = Page(console)

    def lines(self, until: float = 1e12) -> list[str]:
        self.page.settle(until)
        self.file.flush()
        buffer = self.file.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(self.file.encoding).splitlines()


def delivery(state: DeliveryState, proof: str = "read back: /cameras is 2", millis: int = 38) -> Delivery:
    return Delivery(
        id="d1",
        incident="i1",
        step="sos/1",
        driver="wall",
        operation=Operation.SHOW,
        target="control-1",
        tier=Tier.EMERGENCY,
        order=1,
        state=state,
        created_at=100.0,
        deadline=400.0,
        settled_at=100.0 + millis / 1000,
        proof=proof,
    )


def test_a_line_is_time_who_and_what() -> None:
    shown = Shown()
    shown.page.began_at = 100.0
    shown.page.line(112.3456, "plant-manager", "rings")
    assert shown.lines() == [" 12.346 plant-manager rings"]


def test_what_came_to_be_known_later_stands_where_it_happened() -> None:
    shown = Shown()
    shown.page.line(100.02, "bridge", "second")
    shown.page.line(100.01, "bridge", "first")
    assert shown.lines(until=100.1) == []
    assert [line.split()[-1] for line in shown.lines(until=100.5)] == ["first", "second"]
    shown.page.line(100.6, "bridge", "third")
    shown.page.title("The end")  # nothing comes behind it that belongs before
    assert [line.split()[-1] for line in shown.lines(until=0) if line and "bridge" in line][-1] == "third"


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_a_receipt_fits(width: int) -> None:
    shown = Shown(width)
    shown.page.began_at = 100.0
    what = "turns TANKFARM-EAST-PTZ-01 to preset 7"
    shown.page.receipt(delivery(DeliveryState.VERIFIED, proof="x" * 300, millis=12_345), what)
    [line] = shown.lines()
    assert line.startswith(" 12.345 wall          turns TANKFARM-EAST-PTZ-01 to preset 7 ✓ verified 12345 ms")
    assert len(line) <= max(80, width)
    assert ("…" in line) is (width >= 120)


def test_bad_news_says_why_at_any_width() -> None:
    shown = Shown(80)
    shown.page.receipt(delivery(DeliveryState.FAILED, proof="HTTP 403: no right to do so"), "shows 2 cameras")
    first, second = shown.lines()
    assert "✗ failed" in first
    assert second == " " * 22 + "HTTP 403: no right to do so"


def test_a_long_text_goes_on_below_itself() -> None:
    shown = Shown(60)
    shown.page.line(0.0, "bridge", "no picture confirmed: dispatch is told, and the console shows why")
    first, second = shown.lines()
    assert len(first) <= 60
    assert second.startswith(" " * 22)
    assert second.strip()


def test_names_of_files_are_shortened() -> None:
    shown = Shown()
    shown.page.line(0.0, "bridge", f"the PBX records the call: {'0123456789abcdef' * 4}.wav")
    assert shown.lines() == ["  0.000 bridge        the PBX records the call: 0123456789ab…cdef.wav"]


def test_no_colours_without_a_terminal() -> None:
    shown = Shown()
    shown.page.title("1  SOS")
    shown.page.check(False, "told")
    assert not any("\x1b" in line for line in shown.lines())


def test_colours_on_a_terminal() -> None:
    """Grey is only what is beside the point: a style that runs on makes all of the line unreadable."""
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system="standard", highlight=False)
    page = Page(console)
    page.line(0.0, "bridge", "opens incident", BRIDGE)
    page.receipt(delivery(DeliveryState.VERIFIED), "shows 2 cameras")
    page.title("1  SOS")
    page.fact("database", "/x")
    page.check(True, "told")
    text = file.getvalue()
    assert "\x1b[1mopens incident\x1b[0m" in text
    assert "\x1b[1m1  SOS\x1b[0m" in text
    assert "\x1b[32m✓ verified" in text
    assert "\x1b[0mshows 2 cameras" in text.replace("wall          ", "\x1b[0m")
    assert text.splitlines()[-2].endswith("\x1b[0m/x")
    assert text.splitlines()[-1].endswith("\x1b[0mtold")


def test_markup_in_untrusted_text_is_text() -> None:
    shown = Shown()
    shown.page.line(0.0, "bridge", "[bold]EAST-03[/] dialled :boom:")
    assert shown.lines()[0].endswith("[bold]EAST-03[/] dialled :boom:")


def test_a_terminal_without_unicode() -> None:
    shown = Shown(encoding="ascii")
    shown.page.title("1  SOS")
    shown.page.check(True, "good")
    shown.page.check(False, "bad")
    shown.page.line(0.0, "bridge", "x" * 60)
    shown.page.receipt(delivery(DeliveryState.VERIFIED, proof="Zürich"), "shows")
    lines = shown.lines()
    assert lines[1].startswith("-- 1  SOS ---")
    assert lines[2:4] == ["  + good", "  ! bad"]
