"""The steps that sipp scenarios are made of, as XML: one message sent or received, one wait.

Only `tests/parts/sipp_scenarios.py` calls this. sipp replaces [words] when it sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

FOREVER = 3600.0
"""Longer than any test: a wait for the other side."""
SILENCE_FILE = "silence.alaw"
"""Raw G.711 A-law in sipp's own folder."""
A_LAW_SILENCE = b"\xd5" * 8000


@dataclass(frozen=True)
class Phone:
    """Who calls: the From user, and the digest account where the PBX asks for one.

    withheld: an anonymous From (RFC 3323), so that only the digest says who calls; needs a password.
    """

    user: str
    password: str = ""
    name: str = ""
    withheld: bool = False

    @property
    def address(self) -> str:
        """The value of its From header, without the tag."""
        if self.withheld:
            return '"Anonymous" <sip:anonymous@anonymous.invalid>'
        shown = f'"{self.name}" ' if self.name else ""
        return f"{shown}<sip:{self.user}@[remote_ip]>"


@dataclass(frozen=True)
class Body:
    """What a message carries: its content type and its lines."""

    type: str
    lines: tuple[str, ...]


VIA = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]"
SDP = Body(
    "application/sdp",
    (
        "v=0",
        "o=sipp 53655765 2353687637 IN IP[local_ip_type] [local_ip]",
        "s=-",
        "c=IN IP[media_ip_type] [media_ip]",
        "t=0 0",
        "m=audio [media_port] RTP/AVP 8",
        "a=rtpmap:8 PCMA/8000",
        "a=sendrecv",
    ),
)
END = "99"


def scenario(*steps: str) -> str:
    body = "\n".join(step for step in steps if step)
    # The last step gives the label an end to stand on: sipp forbids a label after the last message.
    closing = f'<label id="{END}"/>\n<pause milliseconds="1"/>'
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="sosbridge">'
    return f"{head}\n{body}\n{closing}\n</scenario>\n"


def receive(what: str, *, inner: str = "", **attributes: str) -> str:
    kind = "response" if what.isdigit() else "request"
    rest = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return f'<recv {kind}="{what}"{rest}>{inner}</recv>'


PROGRESS = tuple(receive(status, optional="true") for status in ("100", "180", "183"))
RINGING = (receive("100", optional="true"), receive("183", optional="true"), receive("180"))


def send(*lines: str, body: Body | None = None, retransmits: bool = False, then: str = "") -> str:
    if body is not None:
        lines = (*lines, f"Content-Type: {body.type}")
    message = "\n".join((*lines, "Content-Length: [len]", "", *(body.lines if body else ()), ""))
    attributes = (' retrans="500"' if retransmits else "") + (f' next="{then}"' if then else "")
    return f"<send{attributes}><![CDATA[\n{message}\n]]></send>"


def pause(seconds: float) -> str:
    return f'<pause milliseconds="{ms(seconds)}"/>' if seconds else ""


def play(audio: bool) -> str:
    return f'<nop><action><exec rtp_stream="{SILENCE_FILE},-1,8,PCMA/8000"/></action></nop>' if audio else ""


def ms(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))


def invite_cseq(phone: Phone) -> int:
    return 2 if phone.password else 1


def invite(phone: Phone) -> str:
    first = request_of_caller(phone, "INVITE", 1, body=SDP)
    if not phone.password:
        return first
    credentials = f"[authentication username={phone.user} password={phone.password}]"
    second = request_of_caller(phone, "INVITE", 2, credentials, body=SDP)
    return "\n".join((first, receive("401", auth="true"), ack_of_refusal(phone, 1), second))


def request_of_caller(phone: Phone, method: str, cseq: int, *headers: str, body: Body | None = None) -> str:
    return send(
        f"{method} sip:[service]@[remote_ip]:[remote_port] SIP/2.0",
        VIA,
        f"From: {phone.address};tag=[pid]caller[call_number]",
        f"To: <sip:[service]@[remote_ip]:[remote_port]>{'' if method == 'INVITE' else '[peer_tag_param]'}",
        "Call-ID: [call_id]",
        f"CSeq: {cseq} {method}",
        f"Contact: <sip:{phone.user}@[local_ip]:[local_port]>",
        "Max-Forwards: 70",
        *headers,
        body=body,
        retransmits=method != "ACK",
    )


def ack_of_answer(phone: Phone) -> str:
    return request_of_caller(phone, "ACK", invite_cseq(phone))


def cancel(phone: Phone) -> str:
    """Take the INVITE back: same Via branch (it is in the last answer), To without a tag."""
    return send(
        "CANCEL sip:[service]@[remote_ip]:[remote_port] SIP/2.0",
        "[last_Via:]",
        f"From: {phone.address};tag=[pid]caller[call_number]",
        "To: <sip:[service]@[remote_ip]:[remote_port]>",
        "Call-ID: [call_id]",
        f"CSeq: {invite_cseq(phone)} CANCEL",
        "Max-Forwards: 70",
    )


def ack_of_refusal(phone: Phone, cseq: int) -> str:
    # RFC 3261 17.1.1.3: the ACK of a refusal has the INVITE's own Via branch and the answer's To.
    return send(
        "ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0",
        "[last_Via:]",
        f"From: {phone.address};tag=[pid]caller[call_number]",
        "[last_To:]",
        "Call-ID: [call_id]",
        f"CSeq: {cseq} ACK",
        "Max-Forwards: 70",
    )


def bye_of_caller(phone: Phone) -> str:
    return request_of_caller(phone, "BYE", invite_cseq(phone) + 1)


def receive_invite(*, capture: bool = True) -> str:
    if not capture:
        return receive("INVITE")
    caller = '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="1"/>'
    target = '<ereg regexp="sip:[^>;]*" search_in="hdr" header="Contact:" assign_to="2"/>'
    return receive("INVITE", inner=f"<action>{caller}{target}</action>") + '\n<Reference variables="1,2"/>'


def reply(
    status: str, *, opens: bool = False, body: Body | None = None, cseq: str = "[last_CSeq:]", then: str = ""
) -> str:
    """Answer the last request, then go on at the label `then`.

    opens: the request came without a To tag, and our answer gives it one.
    """
    return send(
        f"SIP/2.0 {status}",
        "[last_Via:]",
        "[last_From:]",
        "[last_To:]" + (";tag=[pid]callee[call_number]" if opens else ""),
        "[last_Call-ID:]",
        cseq,
        "Contact: <sip:[local_ip]:[local_port]>",
        body=body,
        then=then,
    )


def request_of_answerer(method: str, cseq: int, body: Body | None = None) -> str:
    return send(
        f"{method} [$2] SIP/2.0",
        VIA,
        "From: <sip:[local_ip]:[local_port]>;tag=[pid]callee[call_number]",
        "To: [$1]",
        "Call-ID: [call_id]",
        f"CSeq: {cseq} {method}",
        "Contact: <sip:[local_ip]:[local_port]>",
        "Max-Forwards: 70",
        body=body,
        retransmits=True,
    )


def press(digit: str, cseq: int) -> str:
    key = Body("application/dtmf-relay", (f"Signal={digit}", "Duration=160"))
    return request_of_answerer("INFO", cseq, key)


def bye_of_answerer(cseq: int) -> str:
    return request_of_answerer("BYE", cseq)


def cancelled_within(seconds: float) -> tuple[str, ...]:
    """Ring for `seconds`; a CANCEL in that time ends the scenario well."""
    if not seconds:
        return ()
    return (
        receive("CANCEL", timeout=ms(seconds), ontimeout="10"),
        reply("200 OK", opens=True),
        reply("487 Request Terminated", opens=True, cseq="CSeq: [last_cseq_number] INVITE"),
        receive("ACK", next=END),
        '<label id="10"/>',
    )


def hung_up_within(seconds: float, label: str) -> tuple[str, ...]:
    """Talk for `seconds`; a BYE in that time ends the scenario well."""
    return (
        receive("BYE", timeout=ms(seconds), ontimeout=label),
        reply("200 OK", then=END),
        f'<label id="{label}"/>',
    )


def only_in_calls(pattern: str, steps: Sequence[str]) -> tuple[str, ...]:
    """Take these steps only in the calls whose number, from 1, the regular expression finds."""
    number = '<assignstr assign_to="3" value="[call_number]"/>'
    finds = f'<ereg regexp={quoteattr(pattern)} search_in="var" variable="3" assign_to="4"/>'
    return (
        f"<nop><action>{number}{finds}</action></nop>",
        '<nop next="41" test="4"/>',
        '<nop next="40"/>',
        '<label id="41"/>',
        *steps,
        '<label id="40"/>',
    )


def until_hung_up(seconds: float, bye: str) -> tuple[str, ...]:
    return (*hung_up_within(seconds, "20"), bye, receive("200"))
