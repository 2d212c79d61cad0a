"""G.711: mu-law and A-law to 16 bit samples and back, and to each other (ITU-T G.711).

Samples are signed, 16 bit, little-endian bytes ("linear"). Everything is a table made once; those for
encoding are made when the first prompt is loaded, because a relay needs none.
"""

from __future__ import annotations

import enum
import functools
from array import array
from collections.abc import Callable
from typing import Final

_MULAW_BIAS: Final = 33
"""In the 14 bit numbers that mu-law is defined on."""
_MULAW_LARGEST: Final = 8158
_MULAW_BITS: Final = 14
_ALAW_BITS: Final = 13


class Law(enum.StrEnum):
    """A codec, by its name in SDP (RFC 3551 section 6)."""

    PCMU = "PCMU"
    PCMA = "PCMA"


SILENCE: Final = {Law.PCMU: 0xFF, Law.PCMA: 0xD5}
"""The code of a sample of nothing."""


def decode(law: Law, codes: bytes) -> bytes:
    """Return the linear samples: twice as many bytes."""
    low, high = _decoding(law)
    linear = bytearray(2 * len(codes))
    linear[0::2] = codes.translate(low)
    linear[1::2] = codes.translate(high)
    return bytes(linear)


def encode(law: Law, linear: bytes) -> bytes:
    """Return the codes of linear samples: half as many bytes. Raises ValueError for half a sample."""
    table, bits = _encoding(law)
    samples = array("H", linear)
    if _BIG_ENDIAN:
        samples.byteswap()
    shift = 16 - bits
    return bytes([table[sample >> shift] for sample in samples])


def transcode(source: Law, target: Law, codes: bytes) -> bytes:
    """Return the same sound in the other law."""
    return codes if source is target else codes.translate(transcoding(source, target))


@functools.cache
def transcoding(source: Law, target: Law) -> bytes:
    """Return the 256 codes of `target` that sound like those of `source`, for `bytes.translate`."""
    decoder, encoder = _DECODERS[source], _ENCODERS[target]
    shift = 16 - _BITS[target]
    return bytes(encoder(decoder(code) >> shift) for code in range(256))


@functools.cache
def _decoding(law: Law) -> tuple[bytes, bytes]:
    """The low and the high byte of the sample of each code."""
    samples = [_DECODERS[law](code) & 0xFFFF for code in range(256)]
    return bytes(sample & 0xFF for sample in samples), bytes(sample >> 8 for sample in samples)


@functools.cache
def _encoding(law: Law) -> tuple[bytes, int]:
    """The code of each sample, cut to the bits that count and taken as unsigned."""
    bits, encoder = _BITS[law], _ENCODERS[law]
    half = 1 << (bits - 1)
    # In the order of the unsigned numbers: 0 ... half-1, then -half ... -1.
    table = bytes(encoder(sample) for sample in (*range(half), *range(-half, 0)))
    return table, bits


def _decode_mulaw(code: int) -> int:
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) * 2 + _MULAW_BIAS) << (code >> 4 & 7)) - _MULAW_BIAS
    return 4 * (-magnitude if code & 0x80 else magnitude)


def _encode_mulaw(sample: int) -> int:
    """`sample` has 14 bits."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(-sample if sample < 0 else sample, _MULAW_LARGEST) + _MULAW_BIAS
    segment = magnitude.bit_length() - 6
    return ~(sign | segment << 4 | (magnitude >> segment + 1) & 0x0F) & 0xFF


def _decode_alaw(code: int) -> int:
    code ^= 0x55
    segment, step = code >> 4 & 7, code & 0x0F
    magnitude = step * 2 + 1 if segment == 0 else (step * 2 + 33) << (segment - 1)
    return 8 * (magnitude if code & 0x80 else -magnitude)


def _encode_alaw(sample: int) -> int:
    """`sample` has 13 bits."""
    sign = 0x80 if sample >= 0 else 0
    magnitude = sample if sample >= 0 else -sample - 1
    segment = max(magnitude.bit_length() - 5, 0)
    step = magnitude >> (segment if segment else 1) & 0x0F
    return (sign | segment << 4 | step) ^ 0x55


_DECODERS: Final[dict[Law, Callable[[int], int]]] = {Law.PCMU: _decode_mulaw, Law.PCMA: _decode_alaw}
_ENCODERS: Final[dict[Law, Callable[[int], int]]] = {Law.PCMU: _encode_mulaw, Law.PCMA: _encode_alaw}
_BITS: Final = {Law.PCMU: _MULAW_BITS, Law.PCMA: _ALAW_BITS}
_BIG_ENDIAN: Final = array("H", b"\x00\x01")[0] == 1
