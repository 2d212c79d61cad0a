"""G.711 against the recommendation's own properties."""

from __future__ import annotations

from array import array

import pytest

from bridge.protocols.media.g711 import SILENCE, Law, decode, encode, transcode

CODES = bytes(range(256))
BOTH = pytest.mark.parametrize("law", list(Law))


def samples(linear: bytes) -> list[int]:
    return array("h", linear).tolist()


@pytest.mark.parametrize(
    ("law", "code", "sample"),
    [
        # ITU-T G.711 tables 1a to 2b, in 16 bits.
        (Law.PCMU, 0x00, -32124),
        (Law.PCMU, 0x80, 32124),
        (Law.PCMU, 0xFF, 0),
        (Law.PCMU, 0x7F, 0),
        (Law.PCMU, 0xFE, 8),
        (Law.PCMU, 0xEF, 132),
        (Law.PCMA, 0xAA, 32256),
        (Law.PCMA, 0x2A, -32256),
        (Law.PCMA, 0xD5, 8),
        (Law.PCMA, 0x55, -8),
        (Law.PCMA, 0xC5, 264),
    ],
)
def test_codes_of_the_recommendation(law: Law, code: int, sample: int) -> None:
    assert samples(decode(law, bytes([code]))) == [sample]


@BOTH
def test_a_decoded_code_encodes_to_itself(law: Law) -> None:
    again = encode(law, decode(law, CODES))
    # mu-law has two zeros; the negative one is written as the positive.
    assert [code for code in CODES if again[code] != code] == ([0x7F] if law is Law.PCMU else [])


@BOTH
def test_no_sample_is_further_off_than_half_a_step_of_its_segment(law: Law) -> None:
    every = array("h", range(-32768, 32768))
    for sample, back in zip(every, samples(decode(law, encode(law, every.tobytes()))), strict=True):
        assert abs(sample - back) <= max(
            16, abs(sample) // 16 + 4, abs(sample) - 32124 if abs(sample) > 32124 else 0
        )


@BOTH
def test_encoding_never_goes_down(law: Law) -> None:
    every = array("h", range(-32768, 32768))
    back = samples(decode(law, encode(law, every.tobytes())))
    assert back == sorted(back)


@BOTH
def test_silence_is_nothing(law: Law) -> None:
    assert encode(law, bytes(2)) == bytes([SILENCE[law]])


def test_the_other_law_sounds_the_same() -> None:
    for source, target in ((Law.PCMU, Law.PCMA), (Law.PCMA, Law.PCMU)):
        for before, after in zip(
            samples(decode(source, CODES)),
            samples(decode(target, transcode(source, target, CODES))),
            strict=True,
        ):
            assert abs(before - after) <= max(8, abs(before) // 16 + 4)


@BOTH
def test_the_same_law_is_left_alone(law: Law) -> None:
    assert transcode(law, law, CODES) is CODES
