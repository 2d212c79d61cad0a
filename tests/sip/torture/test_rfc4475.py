"""Every message of RFC 4475 with the answer it demands.

What this layer decides is tested here: accepted, refused with a status, or dropped in silence. What a later
layer must answer to a message that is accepted stands beside it as `later`, and a test below shows that the
message says what that layer needs to know.
"""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.sip.bodies import parts_of
from bridge.protocols.sip.framing import StreamFramer, parse_datagram
from bridge.protocols.sip.headers.contact import AllContacts, Contact
from bridge.protocols.sip.headers.delta_seconds import DeltaSeconds
from bridge.protocols.sip.headers.retry_after import RetryAfter
from bridge.protocols.sip.message import MalformedError, Request, Response, answer_to
from bridge.protocols.sip.sdp import Description
from bridge.protocols.sip.uri import AbsoluteUri, SipUri
from tests.sip.torture import invalid, layers, valid
from tests.sip.torture.notation import message

ACCEPTED = "accepted"
DROPPED = "dropped"


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    section: str
    outcome: str | int
    """ACCEPTED, DROPPED (a response nobody can use), or the status that a request is refused with."""
    later: str = ""
    """What the layer named must answer or do."""

    @property
    def text(self) -> str:
        for module in (valid, invalid, layers):
            if text := getattr(module, self.name.upper(), ""):
                return str(text)
        raise LookupError(self.name)

    @property
    def data(self) -> bytes:
        return message(self.text)


CASES = (
    Case("wsinv", "3.1.1.1", ACCEPTED),
    Case("intmeth", "3.1.1.2", ACCEPTED, "user agent: 501 with Allow"),
    Case("esc01", "3.1.1.3", ACCEPTED),
    Case("escnull", "3.1.1.4", ACCEPTED, "registrar: two contacts"),
    Case("esc02", "3.1.1.5", ACCEPTED, "user agent: 501 with Allow"),
    Case("lwsdisp", "3.1.1.6", ACCEPTED),
    Case("longreq", "3.1.1.7", ACCEPTED),
    Case("dblreq", "3.1.1.8", ACCEPTED, "registrar: 200 to the REGISTER, nothing to the rest"),
    Case("semiuri", "3.1.1.9", ACCEPTED),
    Case("transports", "3.1.1.10", ACCEPTED),
    Case("mpart01", "3.1.1.11", ACCEPTED),
    Case("unreason", "3.1.1.12", ACCEPTED),
    Case("noreason", "3.1.1.13", ACCEPTED),
    Case("badinv01", "3.1.2.1", 400),
    Case("clerr", "3.1.2.2", 400),
    Case("ncl", "3.1.2.3", 400),
    Case("scalar02", "3.1.2.4", 400),
    Case("scalarlg", "3.1.2.5", DROPPED),
    Case("quotbal", "3.1.2.6", 400),
    Case("ltgtruri", "3.1.2.7", 400),
    Case("lwsruri", "3.1.2.8", 400),
    # The RFC leaves these five to the receiver: 400, or what was meant. A call for help goes through.
    Case("lwsstart", "3.1.2.9", ACCEPTED),
    Case("trws", "3.1.2.10", ACCEPTED),
    Case("escruri", "3.1.2.11", ACCEPTED, "user agent: the header in the Request-URI is never obeyed"),
    Case("baddate", "3.1.2.12", ACCEPTED, "user agent: the Date is never asked for"),
    Case("regbadct", "3.1.2.13", 400),
    Case("badaspec", "3.1.2.14", ACCEPTED),
    Case("baddn", "3.1.2.15", ACCEPTED),
    Case("badvers", "3.1.2.16", 505),
    Case("mismatch01", "3.1.2.17", 400),
    Case("mismatch02", "3.1.2.18", 400),
    Case("bigcode", "3.1.2.19", DROPPED),
    Case("badbranch", "3.2.1", ACCEPTED, "transaction: matched by the rules of RFC 2543"),
    Case("insuf", "3.3.1", 400),
    Case("unkscm", "3.3.2", ACCEPTED, "user agent: 416"),
    Case("novelsc", "3.3.3", ACCEPTED, "user agent: 416"),
    Case("unksm2", "3.3.4", ACCEPTED, "registrar: 400, the To is no SIP address of record"),
    Case("bext01", "3.3.5", ACCEPTED, "user agent: 420 with both tags in Unsupported"),
    Case("invut", "3.3.6", ACCEPTED, "user agent: 415 with Accept"),
    Case("regaut01", "3.3.7", ACCEPTED, "registrar: 401 with schemes that it knows"),
    Case("multi01", "3.3.8", 400),
    Case("mcl01", "3.3.9", 400),
    Case("bcast", "3.3.10", ACCEPTED, "transaction: dropped, the second Via is not ours"),
    Case("zeromf", "3.3.11", ACCEPTED, "user agent: 200 as always; nothing is forwarded"),
    Case("cparam01", "3.3.12", ACCEPTED, "registrar: the contact has no parameter"),
    Case("cparam02", "3.3.13", ACCEPTED, "registrar: the contact's URI has the parameter"),
    Case("regescrt", "3.3.14", ACCEPTED, "registrar: the contact is stored with its header"),
    Case("sdp01", "3.3.15", ACCEPTED, "user agent: 406, it cannot answer in SDP"),
    Case("inv2543", "3.4.1", ACCEPTED, "transaction and dialog: matched without branch and tag"),
)
BY_NAME = {case.name: case for case in CASES}


def accept(name: str) -> Request | Response:
    read = parse_datagram(BY_NAME[name].data)
    assert isinstance(read, Request | Response)
    return read


def request(name: str) -> Request:
    read = accept(name)
    assert isinstance(read, Request)
    return read


def contacts(name: str) -> tuple[Contact, ...]:
    found = request(name).contacts
    assert not isinstance(found, AllContacts)
    return found


def test_the_table_holds_all_49_messages() -> None:
    texts = {name.lower() for module in (valid, invalid, layers) for name in vars(module) if name.isupper()}
    assert texts == set(BY_NAME)
    assert len(CASES) == 49


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.outcome == ACCEPTED], ids=lambda case: case.name
)
def test_it_is_accepted(case: Case) -> None:
    read = parse_datagram(case.data)

    assert isinstance(read, Request | Response)
    again = parse_datagram(bytes(read))
    assert type(again) is type(read)
    for attribute in (
        "vias",
        "from_",
        "to",
        "call_id",
        "cseq",
        "routes",
        "record_routes",
        "contacts",
        "body",
    ):
        assert getattr(again, attribute) == getattr(read, attribute)


@pytest.mark.parametrize(
    "case", [case for case in CASES if isinstance(case.outcome, int)], ids=lambda case: case.name
)
def test_it_is_refused_with_a_response(case: Case) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_datagram(case.data)

    answer = answer_to(caught.value)
    assert answer is not None
    assert answer.status == case.outcome
    assert list(answer.headers.all("Via")) == list(caught.value.headers.all("Via"))
    assert answer.headers.all("Via")
    bytes(answer)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.outcome == DROPPED], ids=lambda case: case.name
)
def test_it_is_dropped_in_silence(case: Case) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_datagram(case.data)

    assert answer_to(caught.value) is None


class TestWhatLaterLayersNeed:
    def test_3_1_1_1_wsinv(self) -> None:
        invite = request("wsinv")

        assert invite.uri == SipUri.parse("sip:vivekg@chair-dnrc.example.com;unknownparam")
        assert invite.to.tag == "1918181833n"
        assert invite.from_.display_name == 'J Rosenberg \\"'
        assert invite.from_.tag == "98asjd8"
        assert invite.max_forwards is not None
        assert invite.max_forwards.hops == 68
        assert (invite.cseq.number, invite.cseq.method) == (9, "INVITE")
        assert [(via.transport, via.host, via.branch) for via in invite.vias] == [
            ("UDP", "192.0.2.2", "390skdjuw"),
            ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
            ("UDP", "192.168.255.111", "z9hG4bK30239"),
        ]
        assert invite.headers.first("Subject") == ""
        assert invite.headers.first("NewFangledHeader") == "newfangled value continued newfangled value"
        assert invite.headers.first("UnknownHeaderWithUnusualValue") == ";;,,;;,;"
        assert str(invite.routes[0].uri) == ("sip:services.example.com;lr;unknownwith=value;unknown-no-value")
        assert invite.contact is not None
        assert invite.contact.display_name == 'Quoted string ""'
        assert invite.contact.q == 0.33
        assert Description.parse(invite.body).address == "192.0.2.4"

    def test_3_1_1_2_intmeth_is_an_unknown_method(self) -> None:
        odd = request("intmeth")

        assert odd.method == "!interesting-Method0123456789_*+`.%indeed'~"
        assert isinstance(odd.uri, SipUri)
        assert odd.uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
        assert odd.uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
        assert odd.via.branch == "z9hG4bK-.!%66*_+`'~"
        assert odd.to.display_name == "BEL:\x07 NUL:\N{REPLACEMENT CHARACTER} DEL:\x7f"
        assert odd.from_.display_name == "token1~` token2'+_ token3*%!.-"
        assert odd.from_.params.get("fromparam''~+*_!.-%") == "работающий"
        assert odd.from_.tag == "_token~1'+`*%!-."
        assert odd.call_id.value == "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"
        assert odd.headers.first("extensionHeader-!.%*+_`'~") == "\ufeff大停電"

    def test_3_1_1_3_esc01_escapes_are_resolved_once(self) -> None:
        invite = request("esc01")

        assert invite.uri.username == "sips:user@example.com"
        assert invite.to.uri.username == "user"
        assert invite.from_.uri.username == "I have spaces"
        [contact] = contacts("esc01")
        assert contact.uri.username == "caller"
        assert isinstance(contact.uri, SipUri)
        assert contact.uri.params.items == (("%6c%72", ""), ("n%61me", "v%61lue%25%34%31"))

    def test_3_1_1_4_escnull_nul_ends_no_name(self) -> None:
        register = request("escnull")

        assert register.to.uri.username == "null-\0-null"
        assert [contact.uri.username for contact in contacts("escnull")] == ["\0", "\0\0"]

    def test_3_1_1_5_esc02_percent_escapes_nothing_outside_uris(self) -> None:
        odd = request("esc02")

        assert odd.method == "RE%47IST%45R"
        assert odd.to.display_name == odd.from_.display_name == "%Z%45"
        assert len(contacts("esc02")) == 2

    def test_3_1_1_6_lwsdisp(self) -> None:
        assert request("lwsdisp").from_.display_name == "caller"

    def test_3_1_1_7_longreq(self) -> None:
        invite = request("longreq")

        assert len(invite.vias) == 34
        assert invite.vias[-1].received == "192.0.2.5"
        assert isinstance(invite.to.uri, SipUri)
        assert invite.to.uri.port == 6000
        assert invite.to.uri.params.get("unknownparam1") == f"very{'long' * 20}value"
        assert len(invite.from_.tag) == 2 + 50 * 3 + 3

    def test_3_1_1_8_dblreq_bytes_behind_the_body_are_noise(self) -> None:
        assert request("dblreq").method == "REGISTER"
        assert request("dblreq").body == b""

    def test_3_1_1_8_dblreq_on_a_stream_is_two_requests(self) -> None:
        framer = StreamFramer()
        framer.receive(BY_NAME["dblreq"].data)

        first, second = itertools.islice(framer.messages(), 2)
        assert isinstance(first, Request)
        assert isinstance(second, Request)
        assert (first.method, second.method) == ("REGISTER", "INVITE")
        with pytest.raises(MalformedError):  # its Content-Length is too small for its body
            next(framer.messages())

    def test_3_1_1_9_semiuri(self) -> None:
        options = request("semiuri")

        assert isinstance(options.uri, SipUri)
        assert options.uri.user == "user;par=u%40example.net"
        assert options.uri.username == "user"
        assert options.uri.host == "example.com"
        assert len(options.accept) == 6

    def test_3_1_1_10_transports(self) -> None:
        assert [via.transport for via in request("transports").vias] == [
            "UDP",
            "SCTP",
            "TLS",
            "UNKNOWN",
            "TCP",
        ]

    def test_3_1_1_11_mpart01(self) -> None:
        text, binary = parts_of(request("mpart01"))

        assert (text.content_type.name, text.body) == ("text/plain", b"Hello")
        assert (binary.content_type.name, len(binary.body)) == ("application/octet-stream", 342)
        assert binary.body.startswith(b"\x30\x82\x01\x52")
        assert request("mpart01").date is not None

    def test_3_1_1_12_unreason(self) -> None:
        response = accept("unreason")

        assert isinstance(response, Response)
        assert (response.status, response.reason[:16]) == (200, "= 2**3 * 5**2 но")

    def test_3_1_1_13_noreason(self) -> None:
        response = accept("noreason")

        assert isinstance(response, Response)
        assert (response.status, response.reason) == (100, "")

    def test_3_1_2_2_clerr_on_a_stream_waits_for_the_rest(self) -> None:
        framer = StreamFramer()
        framer.receive(BY_NAME["clerr"].data)
        assert list(framer.messages()) == []

        framer.receive(b" " * 9999)
        [invite] = framer.messages()
        assert isinstance(invite, Request)
        assert len(invite.body) == 9999

    def test_3_1_2_3_ncl_on_a_stream_ends_the_connection(self) -> None:
        framer = StreamFramer()
        framer.receive(BY_NAME["ncl"].data)

        with pytest.raises(MalformedError) as caught:
            list(framer.messages())
        assert caught.value.fatal
        assert caught.value.answerable

    def test_3_1_2_4_scalar02_the_other_numbers_are_cut_to_their_bounds(self) -> None:
        register = message(BY_NAME["scalar02"].text.replace("36893488147419103232", "36"))

        read = parse_datagram(register)
        assert isinstance(read, Request)
        assert read.max_forwards is not None
        assert read.max_forwards.hops == 255
        assert read.expires == DeltaSeconds(2**32 - 1)
        assert isinstance(read.contacts, tuple)
        assert read.contacts[0].expires == 2**32 - 1

    def test_3_1_2_5_scalarlg_the_other_numbers_are_cut_to_their_bounds(self) -> None:
        response = parse_datagram(message(BY_NAME["scalarlg"].text.replace("9292394834772304023312", "9")))

        assert isinstance(response, Response)
        assert response.retry_after == RetryAfter(2**32 - 1)
        with pytest.raises(MalformedError, match="a warning's code"):
            _ = response.warnings

    def test_3_1_2_9_and_10_spaces_in_the_request_line(self) -> None:
        assert str(request("lwsstart").uri) == "sip:user@example.com"
        assert request("trws").method == "OPTIONS"

    def test_3_1_2_11_escruri_a_header_in_the_request_uri_never_leaves_us(self) -> None:
        invite = request("escruri")

        assert invite.routes == ()
        assert bytes(invite).startswith(b"INVITE sip:user@example.com SIP/2.0\r\n")

    def test_3_1_2_12_baddate_breaks_only_the_date(self) -> None:
        invite = request("baddate")

        with pytest.raises(MalformedError) as caught:
            _ = invite.date
        assert (caught.value.status, caught.value.answerable) == (400, True)

    def test_3_1_2_14_and_15_display_names(self) -> None:
        assert str(request("badaspec").to.uri) == "sip:t.watson@example.org"
        assert request("baddn").from_.display_name == "Bell, Alexander"
        assert str(request("baddn").to) == '"Watson, Thomas" <sip:t.watson@example.org>'

    def test_3_2_1_badbranch_is_no_unique_branch(self) -> None:
        assert not request("badbranch").via.branch_is_unique

    @pytest.mark.parametrize("name", ["unkscm", "novelsc"])
    def test_3_3_2_and_3_unknown_schemes_for_416(self, name: str) -> None:
        assert isinstance(request(name).uri, AbsoluteUri)

    def test_3_3_4_unksm2_for_400(self) -> None:
        register = request("unksm2")

        assert register.to.uri == AbsoluteUri("isbn", "2983792873")
        assert register.from_.uri == AbsoluteUri("http", "//www.example.com")

    def test_3_3_5_bext01_for_420(self) -> None:
        assert list(request("bext01").require) == ["nothingsupportsthis", "nothingsupportsthiseither"]

    def test_3_3_6_invut_for_415(self) -> None:
        content_type = request("invut").content_type
        assert content_type is not None
        assert content_type.name == "application/unknownformat"

    def test_3_3_7_regaut01_for_401(self) -> None:
        assert request("regaut01").authorizations == ()

    def test_3_3_10_bcast_has_two_vias(self) -> None:
        assert len(accept("bcast").vias) == 2

    def test_3_3_11_zeromf(self) -> None:
        max_forwards = request("zeromf").max_forwards
        assert max_forwards is not None
        assert max_forwards.hops == 0

    def test_3_3_12_cparam01_is_a_parameter_of_the_header(self) -> None:
        [contact] = contacts("cparam01")
        assert str(contact) == "<sip:+19725552222@gw1.example.net>;unknownparam"

    def test_3_3_13_cparam02_is_a_parameter_of_the_uri(self) -> None:
        [contact] = contacts("cparam02")
        assert contact.params.items == ()
        assert str(contact.uri) == "sip:+19725552222@gw1.example.net;unknownparam"

    def test_3_3_14_regescrt_keeps_the_header_of_the_contact(self) -> None:
        [contact] = contacts("regescrt")
        assert str(contact.uri) == "sip:user@example.com?Route=%3Csip:sip.example.com%3E"

    def test_3_3_15_sdp01_for_406(self) -> None:
        accept = request("sdp01").accept
        assert accept
        assert not any(range_.accepts("application/sdp") for range_ in accept)

    def test_3_4_1_inv2543(self) -> None:
        invite = request("inv2543")

        assert not invite.via.branch_is_unique
        assert invite.from_.tag == invite.to.tag == ""
        assert invite.to.params.get("user") == "phone"
        assert invite.contact is None
        assert invite.max_forwards is None
        assert Description.parse(invite.body).media[0].port == 49217


def test_a_malformed_field_is_a_protocol_error_with_its_reason() -> None:
    with pytest.raises(ProtocolError, match="Via: an empty value"):
        parse_datagram(BY_NAME["badinv01"].data)
