"""Which packets are a pressed key (RFC 4733)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.media.rtp import Packet, parse
from bridge.protocols.media.telephone_event import (
    DIGITS,
    DigitReceiver,
    EventPayload,
    build_event,
    parse_event,
    press,
)

EVENT_TYPE = 101
SSRC = 77


def pressed(
    digits: str, *, sequence: int = 100, timestamp: int = 8000, frames: int = 6
) -> list[list[Packet]]:
    """The packets of each key, as they are sent."""
    keys: list[list[Packet]] = []
    for digit in digits:
        key: list[Packet] = []
        for step in press(digit, frames=frames):
            if step.payload:
                key.append(
                    Packet(
                        EVENT_TYPE, step.marker, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, SSRC, step.payload
                    )
                )
                sequence += 1
        keys.append(key)
        timestamp += (frames + 10) * 160
    return keys


def heard(packets: Sequence[Packet]) -> str:
    """What a fresh receiver makes of them; what it refuses is skipped, as the leg does."""
    receiver = DigitReceiver()
    digits = ""
    for packet in packets:
        try:
            digits += receiver.take(packet)
        except ProtocolError:
            continue
    return digits


def test_every_key_is_heard_once() -> None:
    assert heard([packet for key in pressed(DIGITS) for packet in key]) == DIGITS


def test_a_key_is_reported_by_the_first_end_so_that_nobody_waits_for_the_repetitions() -> None:
    (key,) = pressed("1")
    assert heard(key[:7]) == "1"


@pytest.mark.parametrize("kept", [6, 7, 8])
def test_any_one_of_the_three_ends_is_enough(kept: int) -> None:
    (key,) = pressed("5")
    assert heard([*key[:6], key[kept]]) == "5"


def test_a_lost_marker_packet_loses_no_key() -> None:
    (key,) = pressed("5")
    assert heard(key[1:]) == "5"


def test_the_three_ends_alone_are_a_key_one_of_them_alone_is_not() -> None:
    (key,) = pressed("5")
    assert heard(key[6:8]) == "5"
    assert heard(key[6:7]) == ""


def test_the_same_datagram_twice_confirms_nothing() -> None:
    (key,) = pressed("5")
    assert heard([key[6], key[6], key[6]]) == ""


def test_without_an_end_there_is_no_key() -> None:
    (key,) = pressed("5")
    assert heard(key[:6]) == ""


def test_ends_that_come_again_much_later_are_no_second_key() -> None:
    first, second = pressed("12")
    assert heard([*first, *second, *first[6:], *first]) == "12"


def test_the_same_key_twice_is_two_keys() -> None:
    assert heard([packet for key in pressed("11") for packet in key]) == "11"


def test_sequence_and_timestamp_may_wrap_within_a_key() -> None:
    keys = pressed("123", sequence=65530, timestamp=0xFFFFFFFF - 2500)
    assert heard([packet for key in keys for packet in key]) == "123"


def test_a_source_that_begins_anew_with_another_ssrc_is_heard() -> None:
    (first,) = pressed("1", timestamp=900_000)
    (second,) = pressed("2", timestamp=8000)
    assert heard([*first, *(packet._replace(ssrc=5) for packet in second)]) == "12"


def test_a_long_press_in_segments_is_one_key() -> None:
    """RFC 4733 section 2.5.1.3: each segment has its own timestamp, and only the last one an end."""
    segments = [
        *(event_packet(n, 8000, 1, duration=160 * (n + 1)) for n in range(400)),
        *(event_packet(400 + n, 8000 + 0xFFFF, 1, duration=160 * (n + 1)) for n in range(5)),
        *(event_packet(405 + n, 8000 + 0xFFFF, 1, duration=800, end=True) for n in range(3)),
    ]
    assert heard(segments) == "1"


def event_packet(sequence: int, timestamp: int, event: int, *, duration: int, end: bool = False) -> Packet:
    payload = build_event(EventPayload(event, end, 10, duration))
    return Packet(EVENT_TYPE, False, sequence, timestamp, SSRC, payload)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", "0 bytes"),
        (b"\x01", "1 bytes"),
        (b"\x01\x8a\x01", "3 bytes"),
        (b"\x01\xca\x03\xc0", "reserved"),
        (b"\x10\x8a\x03\xc0", "no key"),
        (b"\xff\x8a\x03\xc0", "no key"),
        (b"\x01\x8a\x00\x00", "end after 0"),
        (b"\x01\x8a\x00\x9f", "end after 159"),
    ],
)
def test_what_is_no_event_is_refused(payload: bytes, why: str) -> None:
    receiver = DigitReceiver()
    with pytest.raises(ProtocolError, match=why):
        receiver.take(Packet(EVENT_TYPE, True, 1, 8000, SSRC, payload))


def test_two_keys_at_one_timestamp_contradict_each_other() -> None:
    receiver = DigitReceiver()
    receiver.take(event_packet(1, 8000, 1, duration=160))
    with pytest.raises(ProtocolError, match="two keys"):
        receiver.take(event_packet(2, 8000, 2, duration=320, end=True))


def test_a_key_cannot_end_before_what_was_said_of_it() -> None:
    receiver = DigitReceiver()
    receiver.take(event_packet(1, 8000, 1, duration=1600))
    with pytest.raises(ProtocolError, match="cannot end after 320"):
        receiver.take(event_packet(2, 8000, 1, duration=320, end=True))


def test_ends_that_disagree_are_no_key() -> None:
    assert heard([event_packet(n, 8000, 1, duration=400 + 160 * n, end=True) for n in range(2)]) == ""


def test_junk_between_the_packets_of_a_key_does_not_lose_it() -> None:
    (key,) = pressed("1")
    junk = [event_packet(900 + n, 99 * n, n % 16, duration=n, end=bool(n % 2)) for n in range(7)]
    assert heard([*key[:3], *junk, *key[3:]]) == "1"


@given(st.lists(st.binary(max_size=40), max_size=60))
def test_junk_is_never_a_key(datagrams: list[bytes]) -> None:
    assert heard(parsed(datagrams)) == ""


@given(
    st.lists(
        st.tuples(
            st.integers(0, 0xFFFF),
            st.integers(0, 0xFFFFFFFF),
            st.integers(0, 0xFFFFFFFF),
            st.binary(max_size=8),
        ),
        max_size=60,
        unique_by=lambda fields: fields[1],
    )
)
def test_well_formed_packets_that_do_not_agree_are_never_a_key(
    fields: list[tuple[int, int, int, bytes]],
) -> None:
    packets = [
        Packet(EVENT_TYPE, True, sequence, stamp, ssrc, data) for sequence, stamp, ssrc, data in fields
    ]
    assert heard(packets) == ""


def parsed(datagrams: list[bytes]) -> list[Packet]:
    packets = []
    for datagram in datagrams:
        try:
            packets.append(parse(datagram))
        except ProtocolError:
            continue
    return packets


@given(st.data())
def test_whatever_the_network_does_exactly_the_pressed_keys_are_heard(data: st.DataObject) -> None:
    """Loss that leaves one end and one other packet of each key; doubles; swapped neighbours."""
    digits = data.draw(st.text(alphabet=DIGITS, min_size=1, max_size=6))
    sequence = data.draw(st.integers(0, 65535))
    timestamp = data.draw(st.integers(0, 0xFFFFFFFF))
    frames = data.draw(st.integers(2, 30))
    arriving: list[Packet] = []
    for key in pressed(digits, sequence=sequence, timestamp=timestamp, frames=frames):
        end = data.draw(st.sampled_from(key[frames:]))
        other = data.draw(st.sampled_from([packet for packet in key if packet is not end]))
        more = data.draw(st.sets(st.sampled_from(range(len(key)))))
        kept = [packet for n, packet in enumerate(key) if packet in (end, other) or n in more]
        doubled = [packet for packet in kept for _ in range(data.draw(st.integers(1, 2)))]
        arriving += data.draw(st.permutations(doubled))
    assert heard(arriving) == digits


@given(st.integers(0, 15), st.booleans(), st.integers(0, 63), st.integers(0, 0xFFFF))
def test_an_event_reads_back_as_written(event: int, end: bool, volume: int, duration: int) -> None:
    said = EventPayload(event, end, volume, duration)
    assert parse_event(build_event(said)) == said


def test_a_key_is_pressed_as_rfc_4733_says() -> None:
    steps = list(press("7"))
    said = [parse_event(step.payload) for step in steps if step.payload]
    assert [step.marker for step in steps] == [True] + [False] * 9
    assert [step.offset for step in steps] == [160 * n for n in range(10)]
    assert [event.duration for event in said] == [160, 320, 480, 640, 800, 960, 960, 960, 960]
    assert [event.end for event in said] == [False] * 6 + [True] * 3
    assert {event.event for event in said} == {7}
    assert steps[-1].payload == b""


@pytest.mark.parametrize("wrong", ["x", "1 2", "E", "\0"])
def test_what_is_no_key_cannot_be_pressed(wrong: str) -> None:
    with pytest.raises(ProtocolError, match="is no key"):
        list(press(wrong))
