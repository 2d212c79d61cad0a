"""Order, loss and jitter of a source (RFC 3550 A.1, A.3, A.8)."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from bridge.protocols.media.reception import Arrival, Reception


def receive(reception: Reception, numbers: Iterable[int], ssrc: int = 7) -> list[Arrival]:
    return [reception.take(n & 0xFFFF, n * 160, ssrc, 172, n * 160) for n in numbers]


def test_packets_in_order_are_new_also_where_the_number_wraps() -> None:
    reception = Reception()
    arrivals = receive(reception, range(65_530, 65_550))
    assert arrivals == [Arrival.RESTART] + [Arrival.NEW] * 19
    assert (reception.packets, reception.lost, reception.octets) == (20, 0, 20 * 172)
    report = reception.report()
    assert report is not None
    assert report.highest == 65_549


@pytest.mark.parametrize(
    ("numbers", "last", "lost"),
    [
        ((1, 2, 4), Arrival.NEW, 1),
        ((1, 2, 4, 3), Arrival.LATE, 0),
        ((1, 2, 2), Arrival.DUPLICATE, 0),
        ((1, 2, 3, 4, 2), Arrival.DUPLICATE, 0),
        ((1, 2, 4, 3, 3), Arrival.DUPLICATE, 0),
        ((*range(1, 100), 102, 50), Arrival.DUPLICATE, 2),
        ((*range(1, 100), 102, 101), Arrival.LATE, 1),
        ((*range(1, 100), 102, 20), Arrival.LATE, 2),
        ((1, 2, 20_000), Arrival.DOUBTFUL, 0),
        ((1, 2, 20_000, 20_001), Arrival.RESTART, 0),
        ((1, 2, 20_000, 3), Arrival.NEW, 0),
    ],
)
def test_what_a_packet_is(numbers: tuple[int, ...], last: Arrival, lost: int) -> None:
    reception = Reception()
    assert receive(reception, numbers)[-1] is last
    assert reception.lost == lost


def test_another_ssrc_is_believed_when_it_goes_on() -> None:
    reception = Reception()
    receive(reception, range(10))
    assert receive(reception, (500, 501, 502), ssrc=8) == [Arrival.DOUBTFUL, Arrival.RESTART, Arrival.NEW]
    assert reception.ssrc == 8
    assert reception.restarts == 1


def test_single_packets_of_other_sources_do_not_take_over() -> None:
    reception = Reception()
    for n in range(50):
        receive(reception, [n])
        receive(reception, [n * 77], ssrc=1000 + n)
    assert reception.ssrc == 7
    assert reception.lost == 0


def test_a_report_says_what_was_lost_since_the_one_before() -> None:
    reception = Reception()
    receive(reception, range(100))
    reception.report()
    receive(reception, [n for n in range(100, 200) if n % 4])
    report = reception.report()
    assert report is not None
    # 24 of 99: the last packet that is expected is the last that came.
    assert (report.lost, report.fraction) == (25, 64)
    again = reception.report()
    assert again is not None
    assert (again.lost, again.fraction) == (25, 0)


def test_jitter_is_that_of_the_arrivals() -> None:
    generator = random.Random(1)
    even, uneven = Reception(), Reception()
    for n in range(2000):
        even.take(n, n * 160, 7, 172, n * 160 + 12345)
        uneven.take(n, n * 160, 7, 172, n * 160 + generator.choice((0, 80)))
    assert even.jitter == 0
    # Two arrivals differ by 80 units (10 ms) every second time: 5 ms on average.
    assert uneven.jitter == pytest.approx(0.005, rel=0.5)


def test_before_any_packet_there_is_nothing_to_report() -> None:
    assert Reception().report() is None
    assert Reception().lost == 0
