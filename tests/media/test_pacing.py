"""When frames go out, and how the numbers of a stream go on. Pure."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.media.child.egress import Egress
from bridge.protocols.media.child.loop import Pacer
from bridge.protocols.media.child.programme import MOST_DIGITS, Frame, Programme, fill
from bridge.protocols.media.child.recorder import interleave, mix
from bridge.protocols.media.g711 import Law
from bridge.protocols.media.rtp import Packet, parse


def run(pacer: Pacer, until: float, *, stalls: dict[int, float]) -> list[float]:
    """The times of the frames, when the process stalls for so long before the n-th of them."""
    times: list[float] = []
    now = 0.0
    pacer.start(now)
    while now < until:
        assert pacer.due is not None
        now = max(now, pacer.due) + stalls.get(len(times), 0.0)
        pacer.step(now)
        times.append(now)
    return times


def test_frames_are_20_ms_apart() -> None:
    times = run(Pacer(), 1.0, stalls={})
    assert times[:4] == pytest.approx([0, 0.02, 0.04, 0.06])
    assert len(times) == 51


def test_after_a_stall_it_catches_up_at_twice_the_rate_and_not_in_a_burst() -> None:
    times = run(Pacer(), 1.0, stalls={10: 0.1})
    steps = [b - a for a, b in pairwise(times)]
    assert min(steps) == pytest.approx(0.01)
    assert len(times) == pytest.approx(51, abs=1)
    assert times[-1] == pytest.approx(round(times[-1] / 0.02) * 0.02)


def test_a_long_stall_is_a_gap_of_its_length() -> None:
    pacer = Pacer()
    pacer.start(0.0)
    assert pacer.step(0.0) == 1
    assert pacer.step(3.0) == pytest.approx(150, abs=1)
    assert pacer.due == pytest.approx(3.02, abs=0.021)


def test_starting_again_changes_nothing_while_it_runs() -> None:
    pacer = Pacer()
    pacer.start(1.0)
    pacer.step(1.0)
    pacer.start(1.005)
    assert pacer.due == pytest.approx(1.02)
    pacer.stop()
    assert pacer.due is None


def test_a_stream_goes_on_from_frames_to_a_relay_and_back() -> None:
    sent: list[Packet] = []
    egress = Egress()

    def send(datagram: bytes | memoryview) -> int:
        sent.append(parse(datagram))
        return len(datagram)

    egress.send = send
    egress.sequence, egress.timestamp = 0xFFFE, 0xFFFFFF60
    egress.frame(8, b"a", 1.0, 1, 0, marker=False)
    egress.frame(8, b"b", 1.02, 1, 0, marker=False)
    source = Packet(0, False, 500, 90_000, 1, b"c")
    alignment = egress.align(source, 1.1)
    assert (source.sequence + alignment.sequence) & 0xFFFF == (sent[-1].sequence + 1) & 0xFFFF
    # 80 ms after the last frame.
    assert (source.timestamp + alignment.timestamp - sent[-1].timestamp) & 0xFFFFFFFF == 640
    assert [packet.marker for packet in sent] == [True, False]
    assert [packet.sequence for packet in sent] == [0xFFFF, 0]
    assert (sent[1].timestamp - sent[0].timestamp) & 0xFFFFFFFF == 160


def test_what_the_kernel_does_not_take_is_counted() -> None:
    egress = Egress()

    def refuses(_: bytes | memoryview) -> int:
        raise ConnectionRefusedError

    egress.send = refuses
    egress.frame(8, b"a", 1.0, 1, 0, marker=False)
    assert (egress.packets, egress.unsent) == (0, 1)


def test_keys_come_before_the_prompt_which_goes_on_after_them() -> None:
    ended: list[int] = []
    programme = Programme(ended.append)
    programme.play(5, [bytes(320), b"x" * 160], loop=False)
    assert programme.next() == Frame(bytes(160), marker=True)
    programme.press("1")
    assert [frame.event for frame in (programme.next() for _ in range(10)) if frame] == [True] * 9 + [False]
    assert programme.next() == Frame(bytes(160))
    assert not ended
    assert programme.next() == Frame(b"x" * 160)
    assert ended == [5]
    assert programme.next() is None
    assert not programme.running


def test_a_prompt_that_repeats_begins_again_and_one_that_is_stopped_does_not_end() -> None:
    ended: list[int] = []
    programme = Programme(ended.append)
    programme.play(1, [b"a" * 160, b"b" * 160], loop=True)
    frames = [programme.next() for _ in range(5)]
    assert [frame.payload[:1] for frame in frames if frame] == [b"a", b"b", b"a", b"b", b"a"]
    programme.stop()
    assert programme.next() is None
    assert not ended


def test_too_many_keys_are_refused() -> None:
    programme = Programme(lambda _: None)
    with pytest.raises(ProtocolError, match="more than"):
        programme.press("1" * (MOST_DIGITS + 1))
    assert not programme.running


@pytest.mark.parametrize(("size", "filled"), [(0, 0), (1, 160), (160, 160), (161, 320)])
def test_sound_is_filled_to_whole_frames(size: int, filled: int) -> None:
    assert len(fill(Law.PCMA, bytes(size))) == filled


def test_two_tracks_are_interleaved_or_mixed() -> None:
    left = (1000).to_bytes(2, "little") + (30_000).to_bytes(2, "little")
    right = (5).to_bytes(2, "little") + (30_000).to_bytes(2, "little")
    assert interleave(left, right) == left[:2] + right[:2] + left[2:] + right[2:]
    assert mix(left, right) == (1005).to_bytes(2, "little") + (32_767).to_bytes(2, "little")
