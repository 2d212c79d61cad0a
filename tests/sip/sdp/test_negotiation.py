"""Offer and answer: RFC 3264."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.sip.sdp import (
    PCMA,
    PCMU,
    Description,
    Direction,
    Local,
    NotAcceptableError,
    PayloadTypes,
    Stream,
    accept_answer,
    make_answer,
    make_offer,
)

LOCAL = Local("192.0.2.1", 40000, "77", version=3)
LOCAL6 = replace(LOCAL, address="2001:db8::2")

AUDIO = "m=audio 5004 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"


def offer(media: str = AUDIO, address: str = "IN IP4 192.0.2.3") -> Description:
    head = f"v=0\r\no=- 1 1 IN IP4 192.0.2.3\r\ns=-\r\nc={address}\r\nt=0 0\r\n"
    return Description.parse((head + media).encode())


def answered(media: str = AUDIO, local: Local = LOCAL) -> Stream:
    return make_answer(offer(media), local)[1]


class TestAnswer:
    def test_section_6_one_codec_and_telephone_event(self) -> None:
        answer, stream = make_answer(offer(), LOCAL)

        assert str(answer) == (
            "v=0\r\n"
            "o=- 77 3 IN IP4 192.0.2.1\r\n"
            "s=-\r\n"
            "c=IN IP4 192.0.2.1\r\n"
            "t=0 0\r\n"
            "m=audio 40000 RTP/AVP 0 101\r\n"
            "a=rtpmap:0 PCMU/8000\r\n"
            "a=rtpmap:101 telephone-event/8000\r\n"
            "a=fmtp:101 0-15\r\n"
            "a=ptime:20\r\n"
            "a=sendrecv\r\n"
        )
        assert stream == Stream(
            codec=PCMU,
            send=PayloadTypes(0, 101),
            receive=PayloadTypes(0, 101),
            direction=Direction.SENDRECV,
            remote=("192.0.2.3", 5004),
            rtcp=("192.0.2.3", 5005),
            packet_ms=20,
        )
        assert not stream.held

    def test_6_1_the_numbers_are_those_of_the_offer(self) -> None:
        stream = answered(
            "m=audio 5004 RTP/AVP 97 98\r\na=rtpmap:97 PCMA/8000\r\na=rtpmap:98 telephone-event/8000\r\n"
        )
        assert (stream.codec, stream.send, stream.receive) == (
            PCMA,
            PayloadTypes(97, 98),
            PayloadTypes(97, 98),
        )

    def test_6_1_the_order_is_that_of_the_offer(self) -> None:
        assert answered("m=audio 5004 RTP/AVP 8 0\r\n").codec == PCMA
        assert answered("m=audio 5004 RTP/AVP 18 0 8\r\n").codec == PCMU

    def test_only_what_is_configured(self) -> None:
        assert answered(local=replace(LOCAL, codecs=(PCMA,))).codec == PCMA

    def test_without_telephone_event_nothing_is_dtmf(self) -> None:
        assert answered("m=audio 5004 RTP/AVP 0\r\n").receive.events is None

    def test_section_6_every_other_media_is_refused_in_its_place(self) -> None:
        answer, stream = make_answer(
            offer(
                "m=video 6000 RTP/AVP 31\r\n"
                "m=audio 5002 RTP/SAVP 0\r\n" + AUDIO + "m=audio 5006 RTP/AVP 8\r\nm=image 5008 udptl t38\r\n"
            ),
            LOCAL,
        )
        assert [(media.kind, media.port, media.protocol, media.formats) for media in answer.media] == [
            ("video", 0, "RTP/AVP", ("31",)),
            ("audio", 0, "RTP/SAVP", ("0",)),
            ("audio", 40000, "RTP/AVP", ("0", "101")),
            ("audio", 0, "RTP/AVP", ("8",)),
            ("image", 0, "udptl", ("t38",)),
        ]
        assert stream.remote == ("192.0.2.3", 5004)

    @pytest.mark.parametrize(
        "media",
        [
            "",
            "m=audio 0 RTP/AVP 0\r\n",
            "m=audio 5004 RTP/AVP 18\r\n",
            "m=audio 5004 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
            "m=audio 5004 RTP/SAVP 0\r\n",
            "m=audio 5004 udp 0\r\n",
            "m=video 5004 RTP/AVP 0\r\n",
            "m=audio 5004 RTP/AVP 0\r\nc=IN IP4 pbx.example.com\r\n",
            "m=audio 5004 RTP/AVP 0\r\nc=IN IP4 224.2.1.1/127\r\n",
            "m=audio 5004 RTP/AVP 0\r\nc=IN IP4 255.255.255.255\r\n",
            "m=audio 5004 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n",
            "m=audio 5004 RTP/AVP 0\r\nc=IN IP6 fe80::1%eth0\r\n",
        ],
    )
    def test_488(self, media: str) -> None:
        with pytest.raises(NotAcceptableError):
            make_answer(offer(media), LOCAL)

    def test_ipv6(self) -> None:
        answer, stream = make_answer(offer(address="IN IP6 2001:db8::1"), LOCAL6)

        assert stream.remote == ("2001:db8::1", 5004)
        assert "c=IN IP6 2001:db8::2\r\n" in str(answer)
        with pytest.raises(NotAcceptableError):
            make_answer(offer(), LOCAL6)

    def test_a_zone_is_no_place_to_send_to(self) -> None:
        with pytest.raises(NotAcceptableError):
            make_answer(offer(address="IN IP6 fe80::1%eth0"), LOCAL6)


class TestHold:
    @pytest.mark.parametrize(
        ("theirs", "ours", "held"),
        [
            ("sendrecv", Direction.SENDRECV, False),
            ("sendonly", Direction.RECVONLY, True),
            ("recvonly", Direction.SENDONLY, False),
            ("inactive", Direction.INACTIVE, True),
        ],
    )
    def test_8_4_by_direction(self, theirs: str, ours: Direction, held: bool) -> None:
        answer, stream = make_answer(offer(f"{AUDIO}a={theirs}\r\n"), LOCAL)

        assert (stream.direction, stream.held) == (ours, held)
        assert answer.direction(answer.media[0]) is ours

    @pytest.mark.parametrize("address", ["IN IP4 0.0.0.0", "IN IP6 ::"])
    def test_8_4_in_the_old_way(self, address: str) -> None:
        _, stream = make_answer(offer(address=address), LOCAL6 if "::" in address else LOCAL)
        assert (stream.held, stream.remote, stream.rtcp) == (True, None, None)

    @pytest.mark.parametrize(
        ("wanted", "theirs", "ours"),
        [
            (Direction.SENDONLY, "sendrecv", Direction.SENDONLY),
            (Direction.RECVONLY, "recvonly", Direction.INACTIVE),
            (Direction.INACTIVE, "sendrecv", Direction.INACTIVE),
        ],
    )
    def test_what_we_want_counts_too(self, wanted: Direction, theirs: str, ours: Direction) -> None:
        assert answered(f"{AUDIO}a={theirs}\r\n", replace(LOCAL, direction=wanted)).direction is ours


class TestDetails:
    @pytest.mark.parametrize(
        ("text", "packet_ms"), [("30", 30), ("", 20), ("0", 20), ("5000", 20), ("x", 20), (" 20 ", 20)]
    )
    def test_ptime(self, text: str, packet_ms: int) -> None:
        assert answered(f"{AUDIO}a=ptime:{text}\r\n").packet_ms == packet_ms

    @pytest.mark.parametrize(
        ("text", "rtcp"),
        [
            ("5010", ("192.0.2.3", 5010)),
            ("5010 IN IP4 192.0.2.9", ("192.0.2.9", 5010)),
            ("0", None),
            ("5010 IN IP4 pbx", None),
            ("x", None),
        ],
    )
    def test_rfc_3605_where_rtcp_goes(self, text: str, rtcp: tuple[str, int] | None) -> None:
        assert answered(f"{AUDIO}a=rtcp:{text}\r\n").rtcp == rtcp

    def test_no_port_above_the_last(self) -> None:
        assert answered("m=audio 65535 RTP/AVP 0\r\n").rtcp is None


class TestOffer:
    def test_section_5_all_our_codecs(self) -> None:
        [media] = make_offer(replace(LOCAL, direction=Direction.SENDONLY)).media

        assert (media.port, media.formats) == (40000, ("8", "0", "101"))
        assert media.attribute("sendonly") == ""

    def test_section_7_the_answer_that_we_would_give(self) -> None:
        theirs = Local("192.0.2.3", 5004, "1", codecs=(PCMU,))
        ours = make_offer(LOCAL)
        answer, their_stream = make_answer(Description.parse(bytes(ours)), theirs)
        our_stream = accept_answer(Description.parse(bytes(answer)), LOCAL)

        assert (our_stream.codec, our_stream.send) == (PCMU, PayloadTypes(0, 101))
        assert (their_stream.remote, our_stream.remote) == (("192.0.2.1", 40000), ("192.0.2.3", 5004))

    def test_an_answer_with_several_codecs_means_the_first(self) -> None:
        assert accept_answer(offer(), LOCAL).codec == PCMU

    @pytest.mark.parametrize(
        "media", ["", "m=audio 0 RTP/AVP 8\r\n", "m=audio 5004 RTP/AVP 18\r\n", AUDIO + AUDIO]
    )
    def test_an_answer_that_ends_the_call(self, media: str) -> None:
        with pytest.raises(NotAcceptableError):
            accept_answer(offer(media), LOCAL)

    def test_5_1_an_answer_with_numbers_of_its_own(self) -> None:
        media = "m=audio 5004 RTP/AVP 97 96\r\na=rtpmap:97 PCMA/8000\r\na=rtpmap:96 telephone-event/8000\r\n"
        stream = accept_answer(offer(media), LOCAL)
        assert (stream.send, stream.receive) == (PayloadTypes(97, 96), PayloadTypes(8, 101))

    def test_an_answer_without_telephone_event(self) -> None:
        assert accept_answer(offer("m=audio 5004 RTP/AVP 8\r\n"), LOCAL).receive == PayloadTypes(8, None)


def test_not_acceptable_is_a_protocol_error() -> None:
    assert issubclass(NotAcceptableError, ProtocolError)
