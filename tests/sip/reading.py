"""Read everything a message can say, as all layers together would. Used by tests of damage and of time."""

from __future__ import annotations

from contextlib import suppress

from bridge.errors import ProtocolError
from bridge.protocols.sip.bodies import caller_facts, parts_of
from bridge.protocols.sip.framing import KeepAlive, parse_datagram
from bridge.protocols.sip.message import MalformedError, Message, Request, Response, answer_to, respond
from bridge.protocols.sip.message.reading import Field
from bridge.protocols.sip.sdp import Description, Local, make_answer

ATTRIBUTES = sorted(name for name, value in vars(Message).items() if isinstance(value, Field))
LOCAL = Local("192.0.2.1", 40000, "1")


def read_all(data: bytes) -> Request | Response | KeepAlive | None:
    """Parse a datagram and whatever is in it, write the answers to it; None if it is malformed.

    Raises nothing, whatever `data` is: that is what is tested.
    """
    try:
        read = parse_datagram(data)
    except MalformedError as error:
        answer = answer_to(error)
        if answer is not None:
            bytes(answer)
        return None
    if isinstance(read, KeepAlive):
        return read
    for attribute in ATTRIBUTES:
        with suppress(MalformedError):
            getattr(read, attribute)
    with suppress(MalformedError):
        _ = read.contact
    with suppress(ProtocolError):
        parts_of(read)
    with suppress(ProtocolError):
        make_answer(Description.parse(read.body), LOCAL)
    if isinstance(read, Request):
        check_facts(read)
        check_answer(read)
    return read


def check_facts(request: Request) -> None:
    for value in caller_facts(request).values():
        assert value.isprintable()
        assert len(value) <= 200


def check_answer(request: Request) -> None:
    """The answer to any request can be read by whoever sent it."""
    answer = parse_datagram(bytes(respond(request, 486, to_tag="t")))
    assert isinstance(answer, Response)
    assert answer.via == request.via
    assert (answer.from_, answer.call_id, answer.cseq) == (request.from_, request.call_id, request.cseq)
    assert len(answer.headers.all("Via")) == len(request.headers.all("Via"))
