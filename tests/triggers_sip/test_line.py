"""Randomness in blocks: as good as its source, and asked of it seldom."""

from __future__ import annotations

from bridge.triggers.sip.line import in_blocks


class Source:
    """Counts its bytes through, so that every one of them is known again."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, wanted: int) -> bytes:
        first = sum(self.asked)
        self.asked.append(wanted)
        return bytes(number % 251 for number in range(first, first + wanted))


def test_no_byte_is_given_out_twice_and_the_source_is_asked_seldom() -> None:
    source = Source()
    draw = in_blocks(source, 24)
    assert [len(draw(12)) for _ in range(4)] == [12] * 4
    assert source.asked == [24, 24]
    assert draw(12) == bytes(range(48, 60))


def test_a_rest_that_is_too_short_is_thrown_away() -> None:
    draw = in_blocks(Source(), 10)
    assert draw(8) == bytes(range(8))
    assert draw(8) == bytes(range(10, 18))


def test_more_than_a_block_is_asked_for_as_it_is() -> None:
    source = Source()
    assert len(in_blocks(source, 10)(40)) == 40
    assert source.asked == [40]
