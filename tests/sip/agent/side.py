"""One agent under a clock that is only counted, with an application that only remembers."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from bridge.protocols.sip.agent import Agent, Login, Settings, Target
from bridge.protocols.sip.agent.effects import CancelTimer, Effect, Send, SetTimer, TimerId
from bridge.protocols.sip.agent.events import Event, Offered
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.framing import parse_datagram
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.message import Headers, Request, Response, respond
from bridge.protocols.sip.sdp import Description, Direction, Local, make_answer, make_offer
from bridge.protocols.sip.uri import parse_uri

BRIDGE = ("192.0.2.1", 5060)
PHONE = ("192.0.2.3", 5062)
FLOW = Flow("UDP", BRIDGE, PHONE)
"""The bridge's way to the telephone."""
OURS = Local("192.0.2.1", 20000, "111")
THEIRS = Local("192.0.2.3", 30000, "222")
SDP = ("Content-Type", "application/sdp")

Field = tuple[str, object]
E = TypeVar("E")


def phone_flow() -> Flow:
    return Flow(FLOW.transport, PHONE, BRIDGE)


class Side:
    """The agent, what it sent and when, what it told, and which timers are set."""

    def __init__(self, settings: Settings | None = None, *, seed: int = 1) -> None:
        self.agent = Agent(random.Random(seed).randbytes, settings)
        self.now = 0.0
        self.sent: list[tuple[float, Send]] = []
        self.events: list[Event] = []
        self.timers: dict[TimerId, float] = {}
        self.deliver: Callable[[Send], None] | None = None

    def do(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send():
                    assert bytes(effect.message)
                    self.sent.append((self.now, effect))
                    if self.deliver is not None:
                        self.deliver(effect)
                case SetTimer(timer, after):
                    self.timers[timer] = self.now + after
                case CancelTimer(timer):
                    del self.timers[timer]  # what is not set is not cancelled
                case _:
                    self.events.append(effect)

    def take(self, message: Request | Response, flow: Flow = FLOW) -> None:
        """Receive a message as it comes off the wire."""
        read = parse_datagram(bytes(message))
        assert isinstance(read, Request | Response)
        self.do(self.agent.receive(read, flow))

    def fire_next(self) -> None:
        timer = min(self.timers, key=lambda known: self.timers[known])
        self.now = self.timers.pop(timer)
        self.do(self.agent.timer(timer))

    def wait(self, seconds: float) -> None:
        """Let time pass, and all timers run out that are due by then."""
        end = self.now + seconds
        while self.timers and min(self.timers.values()) <= end:
            self.fire_next()
        self.now = end

    # --- what it sent and told ---------------------------------------------------------------------------

    def messages(self) -> list[str]:
        """Return what was sent since the last time: methods and statuses."""
        names = [label(send.message) for _, send in self.sent]
        self.sent.clear()
        return names

    def times_of(self, name: str) -> list[float]:
        """Return when messages of that method or status were sent."""
        return [round(at, 3) for at, send in self.sent if label(send.message) == name]

    def last(self, name: str) -> Request | Response:
        return next(send.message for _, send in reversed(self.sent) if label(send.message) == name)

    def last_request(self, method: str) -> Request:
        found = self.last(method)
        assert isinstance(found, Request)
        return found

    def last_response(self, status: int) -> Response:
        found = self.last(str(status))
        assert isinstance(found, Response)
        return found

    def told(self) -> list[str]:
        """Return the names of the events since the last time."""
        names = [type(event).__name__ for event in self.events]
        self.events.clear()
        return names

    def event(self, kind: type[E]) -> E:
        """Return the last event of that kind."""
        return next(event for event in reversed(self.events) if isinstance(event, kind))

    def check_forgotten(self) -> None:
        """Let all transactions end: nothing may be left."""
        self.wait(200.0)
        assert self.agent.idle
        assert not self.timers
        assert not self.agent.calls


def label(message: Request | Response) -> str:
    return message.method if isinstance(message, Request) else str(message.status)


# --- what a telephone sends, by hand ---------------------------------------------------------------------


def offer_body(local: Local = THEIRS) -> bytes:
    return bytes(make_offer(local))


def answer_body(offer: bytes, local: Local = THEIRS) -> bytes:
    return bytes(make_answer(Description.parse(offer), local)[0])


def held(direction: Direction) -> Local:
    return Local(THEIRS.address, THEIRS.port, THEIRS.session_id, 1, direction=direction)


def phone_request(
    method: str,
    *fields: Field,
    number: int = 1,
    to_tag: str = "",
    from_tag: str = "phone",
    branch: str = "",
    uri: str = "sip:9110@192.0.2.1",
    body: bytes = b"",
    call_id: str = "c1",
) -> Request:
    """What the telephone sends; `body` is SDP unless `fields` say otherwise."""
    given = [name for name, _ in fields]
    headers = Headers.of(
        ("Via", f"SIP/2.0/UDP 192.0.2.3:5062;branch=z9hG4bK{branch or method + str(number)};rport"),
        ("From", f'"Post 03" <sip:9103@plant.example.com>;tag={from_tag}'),
        ("To", f"<sip:9110@plant.example.com>{';tag=' + to_tag if to_tag else ''}"),
        ("Call-ID", call_id),
        ("CSeq", f"{number} {method}"),
        *((("Contact", "<sip:9103@192.0.2.3:5062>"),) if method in ("INVITE", "UPDATE") else ()),
        *((SDP,) if body and "Content-Type" not in given else ()),
        *fields,
    )
    return Request(method, parse_uri(uri), headers, body)


def changed(request: Request, **headers: str) -> Request:
    """Return the request with other header fields: `Call_ID` stands for Call-ID."""
    fields = request.headers
    for name, value in headers.items():
        fields = fields.setting(name.replace("_", "-"), value)
    return Request(request.method, request.uri, fields, request.body)


def phone_invite(*fields: Field, body: bytes | None = None, uri: str = "sip:9110@192.0.2.1") -> Request:
    return phone_request("INVITE", *fields, body=offer_body() if body is None else body, uri=uri)


INVITE = phone_invite()


def offered(side: Side, invite: Request = INVITE) -> str:
    """Let the telephone call, and return the call's id."""
    side.take(invite)
    return side.event(Offered).call


def our_tag(side: Side) -> str:
    """Return the bridge's tag in the telephone's call, of what it answered last."""
    return next(
        send.message.to.tag
        for _, send in reversed(side.sent)
        if isinstance(send.message, Response) and send.message.to.tag
    )


def answered(side: Side, invite: Request = INVITE, local: Local = OURS) -> tuple[str, str]:
    """Let the telephone call, answer, take its ACK; return the call's id and the bridge's tag."""
    call = offered(side, invite)
    side.do(side.agent.accept(call, local))
    tag = our_tag(side)
    side.take(phone_request("ACK", to_tag=tag, branch="ack"))
    return call, tag


# --- what a telephone answers ------------------------------------------------------------------------------


def target(**changes: object) -> Target:
    values: dict[str, object] = {
        "uri": parse_uri("sip:9201@192.0.2.3:5062"),
        "flow": FLOW,
        "from_": Address.parse("<sip:bridge@plant.example.com>"),
    }
    return Target(**(values | changes))  # type: ignore[arg-type]  # a table of fields


LOGIN = Login("bridge", "secret")


def called(side: Side, **changes: object) -> Request:
    """Let the bridge call the telephone as `c`, and return its INVITE."""
    side.do(side.agent.invite("c", target(**changes), OURS))
    return side.last_request("INVITE")


def reply(
    request: Request, status: int, *fields: Field, tag: str = "phone", body: bytes = b"", contact: bool = True
) -> Response:
    """What the telephone answers."""
    given = [name for name, _ in fields]
    here: tuple[Field, ...] = (
        (("Contact", "<sip:9201@192.0.2.3:5062>"),) if contact and 100 < status < 300 else ()
    )
    described: tuple[Field, ...] = (SDP,) if body and "Content-Type" not in given else ()
    return respond(request, status, *here, *described, *fields, to_tag=tag, body=body)


def ok(request: Request, *fields: Field, tag: str = "phone", local: Local = THEIRS) -> Response:
    """The 200 that answers the offer in `request`."""
    return reply(request, 200, *fields, tag=tag, body=answer_body(request.body, local))


def talking(side: Side, **changes: object) -> Request:
    """Let the bridge call as `c` and the telephone answer; return the INVITE."""
    invite = called(side, **changes)
    side.take(ok(invite))
    return invite
