"""Test pictures as JPEG files, made of 8x8 blocks of one shade each. Called by the test cameras.

A baseline JPEG (ITU-T T.81) whose blocks have no AC coefficients needs no transform and 4-bit codes only,
so no imaging library is needed to make pictures that every decoder reads and that change from frame to frame.
"""

from __future__ import annotations

import struct
from typing import Final

BLOCK: Final = 8
_QUANTISER: Final = 8
"""With 8 the DC coefficient of a block is its shade minus 128."""


def moving_bar(width: int, height: int, position: int) -> bytes:
    """Return a JPEG of a dark shaded field with a bright bar `position` blocks from the left.

    width, height: pixels, multiples of 8. position: wraps around.
    """
    columns, rows = width // BLOCK, height // BLOCK
    bar = position % columns
    shades = [
        235 if abs(column - bar) <= 1 else 40 + 60 * row // rows
        for row in range(rows)
        for column in range(columns)
    ]
    return _file(width, height, _scan(shades))


def _file(width: int, height: int, scan: bytes) -> bytes:
    quantisers = _segment(0xDB, b"\x00" + bytes([_QUANTISER]) * 64)
    # Three components (Y, Cb, Cr) without subsampling: decoders in cameras' clients expect colour.
    components = b"".join(bytes([number, 0x11, 0]) for number in (1, 2, 3))
    frame = _segment(0xC0, struct.pack(">BHHB", 8, height, width, 3) + components)
    dc_codes = _segment(0xC4, b"\x00" + bytes([0, 0, 0, 12] + [0] * 12) + bytes(range(12)))
    ac_codes = _segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\x00")
    scan_head = _segment(0xDA, b"\x03" + b"".join(bytes([n, 0x00]) for n in (1, 2, 3)) + b"\x00\x3f\x00")
    jfif = _segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
    return b"\xff\xd8" + jfif + quantisers + frame + dc_codes + ac_codes + scan_head + scan + b"\xff\xd9"


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _scan(shades: list[int]) -> bytes:
    """Return the entropy-coded picture: per block the luma difference, then two colourless chroma blocks."""
    no_difference, end_of_block = "0000", "0"
    chroma = (no_difference + end_of_block) * 2
    bits = []
    previous = 0
    for shade in shades:
        difference = shade - 128 - previous
        previous = shade - 128
        bits.append(_difference_code(difference) + end_of_block + chroma)
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\x00")


def _difference_code(difference: int) -> str:
    """T.81 F.1.2.1: the size category (our codes are 4 bits wide), then the low bits of the difference."""
    size = abs(difference).bit_length()
    if not size:
        return "0000"
    low_bits = difference if difference > 0 else difference + (1 << size) - 1
    return f"{size:04b}{low_bits:0{size}b}"
