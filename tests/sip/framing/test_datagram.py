"""One datagram, one message: RFC 3261 sections 7 and 18.3."""

from __future__ import annotations

import pytest

from bridge.protocols.sip.framing import KeepAlive, Limits, parse_datagram
from bridge.protocols.sip.message import MalformedError, Request, answer_to
from tests.sip.framing.calls import INVITE, OPTIONS, RINGING, SDP, request, response


def refused(data: bytes, limits: Limits | None = None) -> MalformedError:
    with pytest.raises(MalformedError) as caught:
        parse_datagram(data, limits or Limits())
    return caught.value


def test_a_request() -> None:
    invite = request(INVITE)

    assert (invite.method, str(invite.uri), invite.body) == ("INVITE", "sip:9110@192.0.2.1", SDP)
    assert invite.from_.display_name == "Post 03"
    assert bytes(invite) == INVITE


def test_a_response() -> None:
    ringing = response(RINGING)

    assert (ringing.status, ringing.reason, ringing.to.tag) == (180, "Ringing", "2")
    assert (ringing.provisional, ringing.final, ringing.successful) == (True, False, False)
    assert bytes(ringing) == RINGING


class TestKeepAlives:
    @pytest.mark.parametrize("data", [b"", b"\r\n", b"\r\n\r\n", b"\0", b"\0\0\0\0", b" \r\n", b"\n"])
    def test_rfc_5626_3_5_line_ends_and_the_like_are_no_messages(self, data: bytes) -> None:
        assert parse_datagram(data) == KeepAlive()

    def test_7_5_line_ends_before_a_message_are_skipped(self) -> None:
        assert request(b"\r\n\r\n" + INVITE) == request(INVITE)


class TestForgiven:
    """What a call for help is not lost for."""

    def test_lines_that_end_in_lf_alone(self) -> None:
        head, _, body = INVITE.partition(b"\r\n\r\n")
        assert request(head.replace(b"\r\n", b"\n") + b"\n\n" + body) == request(INVITE)

    def test_lines_of_both_kinds(self) -> None:
        assert request(INVITE.replace(b"70\r\n", b"70\n")) == request(INVITE)

    @pytest.mark.parametrize("end", [b"\n\r\n", b"\r\n\n"])
    def test_an_empty_line_of_either_kind(self, end: bytes) -> None:
        assert request(OPTIONS[:-4] + end).method == "OPTIONS"

    def test_no_empty_line(self) -> None:
        assert request(OPTIONS[:-2]) == request(OPTIONS[:-4]) == request(OPTIONS)

    def test_a_latin_1_byte_in_a_display_name(self) -> None:
        invite = request(INVITE.replace(b"Post 03", b"S\xfcd 03"))

        assert invite.from_.display_name == "Süd 03"
        assert request(bytes(invite)).from_ == invite.from_

    def test_only_the_line_that_is_not_utf_8_is_read_as_latin_1(self) -> None:
        data = INVITE.replace(b"Post 03", b"S\xfcd").replace(b"Max-F", b"Subject: \xc3\xa4\r\nMax-F")
        assert request(data).headers.first("Subject") == "ä"

    @pytest.mark.parametrize("text", ["Gås 03", "緊急", "\N{SQUARED SOS}", "\x85\u2028"])
    def test_utf_8(self, text: str) -> None:
        assert request(INVITE.replace(b"Post 03", text.encode())).from_.display_name == text

    def test_nul_becomes_a_replacement_character(self) -> None:
        invite = request(INVITE.replace(b"Post 03", b"Post\x0003"))
        assert invite.from_.display_name == "Post\N{REPLACEMENT CHARACTER}03"
        bytes(invite)

    def test_a_lone_cr_becomes_a_space(self) -> None:
        assert request(INVITE.replace(b"Post 03", b"Post\r03")).from_.display_name == "Post 03"

    def test_7_3_1_folded_lines(self) -> None:
        folded = INVITE.replace(b";tag=9", b"\r\n ;\r\n\ttag\r\n  =\r\n 9")
        assert request(folded).from_ == request(INVITE).from_

    def test_7_3_1_a_folded_line_that_looks_like_a_field(self) -> None:
        data = OPTIONS.replace(b"Call-ID", b"Subject: one\r\n Route: <sip:evil;lr>\r\nCall-ID")
        assert request(data).routes == ()
        assert request(data).headers.first("Subject") == "one Route: <sip:evil;lr>"

    def test_7_3_1_the_value_may_stand_on_the_next_line(self) -> None:
        assert request(OPTIONS.replace(b"Call-ID: o1", b"Call-ID:\r\n o1")).call_id.value == "o1"

    def test_8_2_2_a_line_that_is_no_field_is_left_out_with_what_continues_it(self) -> None:
        data = OPTIONS.replace(b"Call-ID", b"Foobar roobar\r\n and more\r\nb\xe4d name: 1\r\n: x\r\nCall-ID")
        assert request(data) == request(OPTIONS)

    def test_a_folded_line_behind_the_start_line_continues_nothing(self) -> None:
        assert request(OPTIONS.replace(b"\r\nVia", b"\r\n folded\r\nVia", 1)) == request(OPTIONS)

    def test_7_3_3_compact_forms(self) -> None:
        data = OPTIONS
        for name, short in zip(
            (b"Via", b"From", b"To", b"Call-ID", b"Content-Length"), b"vftil", strict=True
        ):
            data = data.replace(name + b":", bytes((short,)) + b" :")
        assert request(data) == request(OPTIONS)

    def test_7_1_spaces_in_the_request_line(self) -> None:
        data = OPTIONS.replace(b"OPTIONS sip:192.0.2.1 SIP/2.0", b"OPTIONS  sip:192.0.2.1 sip/2.0 ")
        assert request(data) == request(OPTIONS)

    def test_18_3_bytes_behind_the_body(self) -> None:
        assert request(INVITE + b"noise").body == SDP

    def test_18_3_no_content_length(self) -> None:
        assert request(OPTIONS.replace(b"Content-Length: 0\r\n", b"") + b"rest").body == b"rest"


class TestRefused:
    def test_18_3_content_length_beyond_the_datagram(self) -> None:
        error = refused(INVITE[:-1])
        assert (error.status, error.answerable) == (400, True)
        assert "Content-Length" in str(error)

    @pytest.mark.parametrize("length", [b"-1", b"x", b"", b"1e3", b"0x10", b"1" * 5000, b"\xd9\xa3"])
    def test_18_3_content_length_that_is_no_number(self, length: bytes) -> None:
        assert refused(OPTIONS.replace(b"Content-Length: 0", b"Content-Length: " + length)).status == 400

    def test_content_length_twice(self) -> None:
        error = refused(OPTIONS.replace(b"Content-Length: 0", b"l: 0\r\nContent-Length: 0"))
        assert "more than once" in str(error)

    @pytest.mark.parametrize("name", [b"Via", b"From", b"To", b"Call-ID", b"CSeq"])
    def test_8_1_1_a_field_without_which_there_is_no_transaction(self, name: bytes) -> None:
        error = refused(OPTIONS.replace(name + b":", b"X:"))

        assert str(error) == f"{name.decode()} stands 0 times, not once"
        assert error.answerable is (name != b"Via")

    @pytest.mark.parametrize("line", [b"From: <sip:a@b>", b"To: <sip:a@b>", b"i: x", b"CSeq: 8 OPTIONS"])
    def test_a_field_that_must_stand_once_and_stands_twice(self, line: bytes) -> None:
        error = refused(OPTIONS.replace(b"Content-Length", line + b"\r\nContent-Length"))
        assert "stands 2 times" in str(error)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b"SIP/2.0/UDP 192.0.2.3", b"SIP/2.0/UDP 192.0.2.3:999999"),
            (b"SIP/2.0/UDP 192.0.2.3", b"nonsense"),
            (b"<sip:192.0.2.1>", b"<>"),
            (b"<sip:9103@plant.example.com>;tag=1", b'"Mr. <sip:a@b>'),
            (b"Call-ID: o1", b"Call-ID: o 1"),
            (b"7 OPTIONS", b"7 INVITE"),
            (b"7 OPTIONS", b"2147483648 OPTIONS"),
            (b"OPTIONS sip:192.0.2.1 ", b"OPTIONS sip:192.0.2.1:0 "),
            (b"OPTIONS sip:192.0.2.1 ", b"OPTIONS 9110 "),
            (b"OPTIONS sip:192.0.2.1 ", b"OPTIONS <sip:192.0.2.1> "),
            (b"OPTIONS sip:192.0.2.1 ", b"OPTIONS "),
            (b"OPTIONS sip:192.0.2.1 SIP/2.0", b"OPTIONS sip:192.0.2.1"),
        ],
    )
    def test_400(self, old: bytes, new: bytes) -> None:
        answer = answer_to(refused(OPTIONS.replace(old, new, 1)))
        assert answer is not None
        assert answer.status == 400

    def test_505(self) -> None:
        assert refused(OPTIONS.replace(b" SIP/2.0\r", b" SIP/3.0\r", 1)).status == 505

    def test_8_1_1_8_a_contact_that_a_dialog_would_need(self) -> None:
        data = INVITE.replace(b"<sip:9103@192.0.2.3:5060>", b"<sip:9103@192.0.2.3:0>")
        assert "Contact" in str(refused(data))

    def test_a_contact_that_nobody_needs(self) -> None:
        assert request(OPTIONS.replace(b"CSeq", b"Contact: nonsense\r\nCSeq")).method == "OPTIONS"

    @pytest.mark.parametrize("status", [b"99", b"700", b"1000", b"4294967301", b"2x0", b"", b"-1"])
    def test_a_response_with_an_impossible_status(self, status: bytes) -> None:
        error = refused(RINGING.replace(b"180", status))
        assert not error.answerable

    @pytest.mark.parametrize(
        "data",
        [
            b"x",
            b"\xff" * 100,
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"\x16\x03\x01\x02\x00",
            b"\x80\x00" * 86,
            b"INVITE",
        ],
    )
    def test_what_is_no_sip_at_all_is_not_answered(self, data: bytes) -> None:
        assert answer_to(refused(data)) is None


class TestLimits:
    def test_413_and_its_kin(self) -> None:
        limits = Limits(body=10)
        assert refused(INVITE, limits).status == 513
        assert refused(INVITE.replace(b"Content-Length", b"X"), limits).status == 513

    def test_the_longest_line(self) -> None:
        assert request(OPTIONS.replace(b"CSeq", b"X-Long: %s\r\nCSeq" % (b"x" * 8184))).method
        assert refused(OPTIONS.replace(b"CSeq", b"X-Long: %s\r\nCSeq" % (b"x" * 8185))).status == 400

    def test_414_request_uri_too_long(self) -> None:
        assert refused(OPTIONS.replace(b"sip:192", b"sip:%s@192" % (b"a" * 8200), 1)).status == 414

    def test_the_most_fields(self) -> None:
        assert request(OPTIONS.replace(b"CSeq", b"X: 1\r\n" * 250 + b"CSeq")).method
        error = refused(OPTIONS.replace(b"CSeq", b"X: 1\r\n" * 251 + b"CSeq"))
        assert str(error) == "257 header fields, 256 at most"
        assert error.answerable

    def test_a_head_that_fills_the_datagram(self) -> None:
        error = refused(OPTIONS.replace(b"CSeq", b"X: %s\r\n" % (b"x" * 8000) * 5 + b"CSeq"))
        assert str(error) == "a head of more than 32768 bytes"
        assert error.status == 400


def test_a_request_in_hand_is_always_complete() -> None:
    read = parse_datagram(INVITE)
    assert isinstance(read, Request)
    assert {"via", "from_", "to", "call_id", "cseq", "contacts"} <= read.__dict__.keys()
