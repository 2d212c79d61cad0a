"""Session descriptions: RFC 8866."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.sdp.description import NO_ORIGIN, Description, Direction, Media, Origin
from tests.sip.properties import line_text, thoroughly, wild_text

TEXT = (
    "v=0\r\n"
    "o=alice 2890844526 2890844527 IN IP4 host.atlanta.example.com\r\n"
    "s=A call\r\n"
    "c=IN IP4 192.0.2.3\r\n"
    "t=0 0\r\n"
    "a=sendrecv\r\n"
    "m=audio 49170 RTP/AVP 0 8 101\r\n"
    "a=rtpmap:101 telephone-event/8000\r\n"
    "a=sendonly\r\n"
    "m=video 51372/2 RTP/AVP 31\r\n"
    "c=IN IP6 2001:db8::1\r\n"
)
ORIGIN = Origin("-", "1", "1", "192.0.2.1")


def test_all_parts() -> None:
    description = Description.parse(TEXT.encode())

    assert description.origin == Origin("alice", "2890844526", "2890844527", "host.atlanta.example.com")
    assert (description.name, description.address, description.times) == ("A call", "192.0.2.3", "0 0")
    audio, video = description.media
    assert (audio.kind, audio.port, audio.protocol, audio.formats) == (
        "audio",
        49170,
        "RTP/AVP",
        ("0", "8", "101"),
    )
    assert (audio.attribute("rtpmap"), audio.attribute("sendonly"), audio.attribute("ptime")) == (
        "101 telephone-event/8000",
        "",
        None,
    )
    assert (video.port, video.address) == (51372, "2001:db8::1")
    assert str(description) == TEXT.replace("/2", "")


def test_5_7_an_address_of_the_media_wins() -> None:
    description = Description.parse(TEXT.encode())
    assert [description.address_of(media) for media in description.media] == ["192.0.2.3", "2001:db8::1"]


def test_6_7_a_direction_of_the_media_wins() -> None:
    description = Description.parse(TEXT.encode())
    assert [description.direction(media) for media in description.media] == [
        Direction.SENDONLY,
        Direction.SENDRECV,
    ]
    assert Description(ORIGIN).direction(Media("audio", 1, "RTP/AVP", ("0",))) is Direction.SENDRECV


def test_directions() -> None:
    assert [direction.mirrored for direction in Direction] == ["sendrecv", "recvonly", "sendonly", "inactive"]
    for direction in Direction:
        assert Direction.of(sends=direction.sends, receives=direction.receives) is direction


class TestForgiven:
    def test_lines_that_end_in_lf_alone(self) -> None:
        assert Description.parse(TEXT.replace("\r\n", "\n").encode()) == Description.parse(TEXT.encode())

    def test_what_telephones_forget(self) -> None:
        description = Description.parse(b"v=0\r\nm=audio 5000 RTP/AVP 0\r\nc=IN IP4 192.0.2.3\r\n")
        assert (description.origin, description.name) == (NO_ORIGIN, "-")
        assert description.address_of(description.media[0]) == "192.0.2.3"

    def test_latin_1_and_nul(self) -> None:
        assert Description.parse(b"v=0\r\ns=S\xfcd\x00\r\n").name == "Süd "

    def test_lines_that_we_do_not_use(self) -> None:
        extra = TEXT.replace("t=0 0", "b=AS:64\r\nt=0 0\r\nr=1 2\r\nk=clear:x\r\nz=0\r\nnonsense\r\n\r\n")
        assert Description.parse(extra.encode()) == Description.parse(TEXT.encode())

    def test_a_multicast_address_has_a_ttl(self) -> None:
        assert Description.parse(b"v=0\r\nc=IN IP4 224.2.1.1/127\r\n").address == "224.2.1.1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "v=1\r\n",
        "o=- 1 1 IN IP4 a\r\nv=0\r\n",
        "v=0\r\no=- 1 1 IN IP4\r\n",
        "v=0\r\nc=192.0.2.3\r\n",
        "v=0\r\nc=ATM NSAP 1\r\n",
        "v=0\r\nm=audio\r\n",
        "v=0\r\nm=audio x RTP/AVP 0\r\n",
        "v=0\r\nm=audio 65536 RTP/AVP 0\r\n",
        "v=0\r\nm=audio -1 RTP/AVP 0\r\n",
        "v=0\r\nm=audio 1 RTP/AVP\r\n",
        "v=0\r\n" + "m=audio 1 RTP/AVP 0\r\n" * 17,
        "v=0\r\n" + "a=x\r\n" * 4000,
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        Description.parse(text.encode())


@pytest.mark.parametrize(
    "description",
    [
        Description(Origin("a b", "1", "1", "h")),
        Description(Origin("a", "1\r\nm=x", "1", "h")),
        Description(Origin("a", "1", "1", "h\r\n")),
        Description(ORIGIN, "1.2.3.4 5"),
        Description(ORIGIN, name="a\r\nm=audio 1 RTP/AVP 0"),
        Description(ORIGIN, name=""),
        Description(ORIGIN, attributes=(("a:b", "1"),)),
        Description(ORIGIN, attributes=(("a", "1\n"),)),
        Description(ORIGIN, media=(Media("audio", 65536, "RTP/AVP", ("0",)),)),
        Description(ORIGIN, media=(Media("audio", 1, "RTP/AVP", ()),)),
        Description(ORIGIN, media=(Media("audio", 1, "RTP/AVP", ("0 1",)),)),
    ],
)
def test_what_must_not_be_written(description: Description) -> None:
    with pytest.raises(ProtocolError):
        bytes(description)


@thoroughly
@given(wild_text, wild_text, st.integers(-1, 70_000))
def test_written_and_read_back(one: str, other: str, port: int) -> None:
    media = Media("audio", port, "RTP/AVP", ("0",))
    for description in (
        Description(Origin(one, other, "1", "h")),
        Description(ORIGIN, address=one),
        Description(ORIGIN, name=one, times=other),
        Description(ORIGIN, attributes=((one, other),)),
        Description(ORIGIN, media=(media, Media(one, 0, other, (one, other), attributes=((one, other),)))),
    ):
        try:
            body = bytes(description)
        except ProtocolError:
            continue
        assert Description.parse(body) == description


@thoroughly
@given(st.lists(st.tuples(st.sampled_from("vosctmab"), line_text), max_size=6))
def test_any_lines(lines: list[tuple[str, str]]) -> None:
    body = "".join(["v=0\r\n", *(f"{kind}={text}\r\n" for kind, text in lines)])
    try:
        description = Description.parse(body.encode())
    except ProtocolError:
        return
    for media in description.media:
        description.direction(media)
