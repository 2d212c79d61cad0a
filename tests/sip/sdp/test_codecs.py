"""Payload types: RFC 3551, RFC 4733, RFC 8866 section 6.6."""

from __future__ import annotations

import pytest

from bridge.protocols.sip.sdp.codecs import PCMA, PCMU, TELEPHONE_EVENT, Codec, payload_types, rtpmap
from bridge.protocols.sip.sdp.description import Media


def types(formats: str, *rtpmaps: str) -> dict[int, Codec]:
    media = Media(
        "audio", 1, "RTP/AVP", tuple(formats.split()), attributes=tuple(("rtpmap", text) for text in rtpmaps)
    )
    return dict(payload_types(media))


def test_static_numbers_need_no_rtpmap() -> None:
    assert types("8 0 18") == {8: PCMA, 0: PCMU}


def test_dynamic_numbers() -> None:
    assert types("96 97 98", "96 pcmu/8000/1", "97 Telephone-Event/8000", "98 opus/48000/2") == {
        96: PCMU,
        97: TELEPHONE_EVENT,
    }


@pytest.mark.parametrize(
    "text", ["101 telephone-event/16000", "101 PCMU/8000/2", "101 PCMU", "x", "", "101", "1010 PCMU/8000"]
)
def test_other_clocks_channels_and_nonsense(text: str) -> None:
    assert types("101", text) == {}


def test_an_rtpmap_wins_over_the_static_meaning() -> None:
    assert types("0 8", "0 G722/8000") == {8: PCMA}


@pytest.mark.parametrize("formats", ["128", "999", "-1", "x", "٠"])
def test_what_is_no_payload_type(formats: str) -> None:
    assert types(formats, f"{formats} PCMU/8000") == {}


def test_rtpmap_is_read_back() -> None:
    name, value = rtpmap(101, TELEPHONE_EVENT)
    assert (name, types("101", value)) == ("rtpmap", {101: TELEPHONE_EVENT})
