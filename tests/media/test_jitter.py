"""The jitter buffer: uneven packets in, an even stream out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.protocols.media.jitter import DEPTH, MOST, JitterBuffer
from bridge.protocols.media.rtp import FRAME

DEPTH_FRAMES = DEPTH // FRAME


def frame(number: int, samples: int = FRAME) -> bytes:
    """Samples that tell which frame they are of."""
    return (number % 30_000 + 1).to_bytes(2, "little") * samples


def numbers(linear: bytes) -> set[int]:
    return {int.from_bytes(linear[n : n + 2], "little") - 1 for n in range(0, len(linear), 2)}


SILENCE = {-1}


def test_what_comes_evenly_goes_evenly_60_ms_later() -> None:
    buffer = JitterBuffer()
    played = []
    for n in range(20):
        buffer.put(n * FRAME, frame(n))
        played.append(numbers(buffer.take()))
    assert played == [SILENCE] * DEPTH_FRAMES + [{n} for n in range(20 - DEPTH_FRAMES)]


def test_packets_that_swap_places_are_put_in_order() -> None:
    buffer = JitterBuffer()
    for n in (0, 2, 1, 3):
        buffer.put(n * FRAME, frame(n))
    played = [numbers(buffer.take()) for _ in range(7)]
    assert played[DEPTH_FRAMES:] == [{0}, {1}, {2}, {3}]
    assert buffer.counts.reordered == 1


def test_a_lost_packet_is_silence_of_its_length() -> None:
    buffer = JitterBuffer()
    for n in (0, 2):
        buffer.put(n * FRAME, frame(n))
    assert [numbers(buffer.take()) for _ in range(6)][DEPTH_FRAMES:] == [{0}, SILENCE, {2}]


def test_a_double_is_taken_once() -> None:
    buffer = JitterBuffer()
    buffer.put(0, frame(0))
    buffer.put(0, frame(9))
    assert [numbers(buffer.take()) for _ in range(4)][-1] == {0}
    assert buffer.counts.duplicate == 1


def test_who_comes_after_its_time_is_late() -> None:
    buffer = JitterBuffer()
    buffer.put(0, frame(0))
    for _ in range(DEPTH_FRAMES + 2):
        buffer.take()
    buffer.put(FRAME, frame(1))
    assert buffer.counts.late == 1
    assert buffer.waiting == 0


def test_a_timestamp_far_away_is_a_new_beginning() -> None:
    buffer = JitterBuffer()
    buffer.put(0, frame(0))
    buffer.put(MOST * 9, frame(1))
    assert [numbers(buffer.take()) for _ in range(4)][-1] == {1}
    assert buffer.counts.restarts == 1


def test_packets_of_30_ms_and_a_wrapping_timestamp() -> None:
    buffer = JitterBuffer()
    start = 0xFFFFFFFF - 300
    for n in range(4):
        buffer.put((start + n * 240) & 0xFFFFFFFF, frame(n, 240))
    heard = b"".join(buffer.take() for _ in range(9))
    assert heard[DEPTH * 2 : DEPTH * 2 + 4 * 480] == b"".join(frame(n, 240) for n in range(4))


def test_before_the_first_packet_there_is_silence() -> None:
    assert JitterBuffer().take(80) == bytes(160)


@given(
    st.lists(st.tuples(st.integers(0, 0xFFFFFFFF), st.integers(0, 300), st.booleans()), max_size=80),
    st.integers(0, 400),
)
def test_whatever_comes_the_stream_stays_even_and_the_buffer_small(
    packets: list[tuple[int, int, bool]], samples: int
) -> None:
    buffer = JitterBuffer()
    for timestamp, size, take in packets:
        buffer.put(timestamp, frame(1, size))
        if take:
            assert len(buffer.take(samples)) == 2 * samples
    for _ in range(2 * MOST // FRAME):
        buffer.take()
    assert buffer.waiting == 0
