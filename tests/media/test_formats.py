"""WAV files, the lines between parent and child, bencode and what rtpengine says."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.media import bencode, wire
from bridge.protocols.media.facade import Law, Local, Remote
from bridge.protocols.media.rtpengine_digits import digit_of
from bridge.protocols.media.rtpengine_sdp import local_of, of_party
from bridge.protocols.media.settings import ChildSettings
from bridge.protocols.media.wav import LONGEST, BadWav, WavWriter, read_prompt


def test_a_recording_is_whole_after_every_write(tmp_path: Path) -> None:
    writer = WavWriter(tmp_path / "a.wav", 1)
    for number in range(3):
        writer.write(bytes([number, 0]) * 800)
        with wave.open(str(tmp_path / "a.wav")) as sound:
            assert sound.getnframes() == 800 * (number + 1)
    assert writer.close() == pytest.approx(0.3)
    assert read_prompt(tmp_path / "a.wav") == b"".join(bytes([n, 0]) * 800 for n in range(3))
    assert (tmp_path / "a.wav").stat().st_mode & 0o777 <= 0o640


def test_a_full_disk_is_an_error() -> None:
    writer = WavWriter.__new__(WavWriter)
    writer._channels, writer._bytes = 1, 0
    with Path("/dev/full").open("wb", buffering=0) as full:
        writer._file = full
        with pytest.raises(OSError, match="No space left"):
            writer.write(bytes(100))


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\x24\0\0\0WAVEfmt ", bytes(100)])
def test_what_is_no_wav_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.wav").write_bytes(content)
    with pytest.raises(BadWav, match=r"bad\.wav: no WAV"):
        read_prompt(tmp_path / "bad.wav")


@pytest.mark.parametrize(
    ("channels", "width", "rate", "frames", "why"),
    [
        (2, 2, 8000, 10, "2 channel"),
        (1, 1, 8000, 10, "8 bit"),
        (1, 2, 16000, 10, "16000 Hz"),
        (1, 2, 8000, 0, "no sound"),
        (1, 2, 8000, LONGEST * 8000 + 1, "longer than"),
    ],
)
def test_what_no_telephone_plays_is_refused(  # noqa: PLR0917  # a table's columns
    tmp_path: Path, channels: int, width: int, rate: int, frames: int, why: str
) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setparams((channels, width, rate, 0, "NONE", ""))
        sound.writeframes(bytes(channels * width * frames))
    with pytest.raises(BadWav, match=why):
        read_prompt(tmp_path / "a.wav")


# --- lines -----------------------------------------------------------------------------------------


MESSAGES = st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=9)), max_size=5)


@given(MESSAGES, st.data())
def test_lines_are_cut_out_of_any_pieces(messages: list[dict[str, int | str]], data: st.DataObject) -> None:
    stream = b"".join(map(wire.encode, messages))
    lines = wire.Lines()
    found: list[bytes] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += lines.feed(stream[:size])
        stream = stream[size:]
    assert [wire.decode(line) for line in found] == messages


@pytest.mark.parametrize("line", [b"", b"{", b"[1]", b"7", b"\xff", b"[" * 50_000])
def test_what_is_no_object_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        wire.decode(line)


def test_lines_are_bounded() -> None:
    with pytest.raises(ProtocolError, match="more than"):
        wire.Lines().feed(b"x" * (wire.MAX_LINE + 1))
    with pytest.raises(ProtocolError, match="at most"):
        wire.encode({"x": "x" * wire.MAX_LINE})


@pytest.mark.parametrize(
    "wrong",
    [{"first_port": 80}, {"last_port": 70_000}, {"first_port": 20_000}, {"dscp": 64}, {"silence_after": 0}],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="write"):
        ChildSettings(**wrong)  # type: ignore[arg-type]  # names and numbers from the table


# --- rtpengine -------------------------------------------------------------------------------------

PLAIN = st.recursive(
    st.integers(-(10**15), 10**15) | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc-", max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_bencode_reads_back_as_written(value: bencode.Plain) -> None:
    assert bencode.decode(bencode.encode(value)) == value


@given(st.binary(max_size=100) | st.text("ild0123456789:e-", max_size=60).map(str.encode))
def test_any_bytes_are_bencode_or_a_protocol_error(data: bytes) -> None:
    try:
        bencode.decode(data)
    except ProtocolError:
        return


@pytest.mark.parametrize("data", [b"", b"i5", b"ie", b"5:abc", b"d1:ae", b"di1ei1ee", b"l" * 5000, b"i1ei2e"])
def test_what_is_no_bencode_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        bencode.decode(data)


DTMF = {"callid": "c", "source_tag": "out", "type": "DTMF", "event": 10, "duration": 120}


def test_a_key_in_the_daemons_log() -> None:
    assert digit_of(json.dumps(DTMF).encode()) == ("c", "*")


@pytest.mark.parametrize(
    "wrong",
    [
        {"event": True},
        {"event": "1"},
        {"event": 16},
        {"event": -1},
        {"source_tag": "in"},
        {"type": "x"},
        {"callid": 5},
    ],
)
def test_anything_else_in_it_is_no_key(wrong: dict[str, object]) -> None:
    with pytest.raises(ProtocolError):
        digit_of(json.dumps(DTMF | wrong).encode())


@pytest.mark.parametrize("junk", [b"", b"[]", b"1", b"{}", b"\xff"])
def test_junk_in_it_is_no_key(junk: bytes) -> None:
    with pytest.raises(ProtocolError):
        digit_of(junk)


def test_a_party_is_described_as_it_described_itself() -> None:
    remote = Remote(
        address="2001:db8::1", port=4000, law=Law.PCMU, payload_type=0, event_type=96, sends=False
    )
    lines = of_party(remote).splitlines()
    assert "c=IN IP6 2001:db8::1" in lines
    assert "m=audio 4000 RTP/AVP 0 96" in lines
    assert "a=rtpmap:96 telephone-event/8000" in lines
    assert "a=sendonly" in lines


def test_the_daemons_answer_says_where_it_listens() -> None:
    body = (
        b"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8\r\n"
    )
    assert local_of(body) == Local(address="10.0.0.1", rtp_port=30_000, rtcp_port=30_001)
    assert local_of(body + b"a=rtcp:31000\r\n").rtcp_port == 31_000
    with pytest.raises(ProtocolError):
        local_of(body.replace(b"30000", b"0"))
