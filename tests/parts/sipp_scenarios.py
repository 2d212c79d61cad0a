"""Ready sipp scenarios, as XML texts for `tests/parts/sip.py`: phones that call, people who answer.

All times are seconds. Each scenario ends well only if everything went as its name says; anything else
(refused, answered too early, no hangup) makes sipp, and so `Sipp.finish`, fail.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.parts.sipp_steps import (
    FOREVER,
    PROGRESS,
    RINGING,
    SDP,
    Phone,
    ack_of_answer,
    ack_of_refusal,
    bye_of_answerer,
    bye_of_caller,
    cancel,
    cancelled_within,
    hung_up_within,
    invite,
    invite_cseq,
    ms,
    only_in_calls,
    pause,
    play,
    press,
    receive,
    receive_invite,
    reply,
    scenario,
    until_hung_up,
)


def calls(phone: Phone, *, hangs_up_after: float = FOREVER, audio: bool = False) -> str:
    """A phone that calls, is answered, and hangs up after a while unless the other side does first.

    audio: sends RTP (silence) while talking, for PBXs that hang up where none comes.
    """
    return scenario(
        invite(phone),
        *PROGRESS,
        receive("200", rrs="true"),
        ack_of_answer(phone),
        play(audio),
        *until_hung_up(hangs_up_after, bye_of_caller(phone)),
    )


def calls_and_cancels(phone: Phone, *, after: float) -> str:
    """A phone that hangs up `after` seconds of ringing, before anybody answers."""
    # sipp takes the time-out from the first of several messages it may receive, so each has it.
    ringing = {"timeout": ms(after), "ontimeout": "11"}
    return scenario(
        invite(phone),
        *RINGING,
        '<label id="10"/>',
        receive("180", optional="true", next="10", **ringing),
        receive("183", optional="true", next="10", **ringing),
        receive("487", **ringing),
        '<label id="11"/>',
        cancel(phone),
        *PROGRESS,  # what was on its way when the CANCEL left
        receive("200"),
        receive("487"),
        ack_of_refusal(phone, invite_cseq(phone)),
    )


def calls_and_vanishes(phone: Phone, *, answered: bool, after: float = 0.0, audio: bool = False) -> str:
    """A phone that falls silent without a word (cut line, flat battery) while ringing or talking."""
    until = [receive("200", rrs="true"), ack_of_answer(phone), play(audio)] if answered else []
    return scenario(invite(phone), *(PROGRESS if answered else RINGING), *until, pause(after))


def calls_and_is_refused(phone: Phone, status: int) -> str:
    """A phone whose call the PBX ends with `status` (404, 486, 503, ...)."""
    return scenario(invite(phone), *PROGRESS, receive(str(status)), ack_of_refusal(phone, invite_cseq(phone)))


def calls_with_wrong_password(phone: Phone) -> str:
    """A phone whose digest the PBX does not believe: the second 401 ends it."""
    if not phone.password:
        raise ValueError("the phone needs a (wrong) password")
    return scenario(invite(phone), receive("401"), ack_of_refusal(phone, 2))


def answers(
    *,
    after: float = 0.0,
    hangs_up_after: float = FOREVER,
    presses: Sequence[tuple[float, str]] = (),
    in_calls: str = "",
    audio: bool = False,
) -> str:
    """A person who rings for `after` seconds, answers, presses keys and hangs up.

    presses: (seconds to wait, digit) one after the other, sent as SIP INFO (RFC 6086 style dtmf-relay): the
    endpoint needs `dtmf="info"`. in_calls: a regular expression; keys are pressed only in those of its calls
    (1, 2, ...) whose number it finds. A call that is cancelled while it rings ends well, too.
    """
    keys = [
        part
        for number, (wait, digit) in enumerate(presses)
        for part in (*hung_up_within(wait, f"3{number}"), press(digit, number + 1), receive("200"))
    ]
    return scenario(
        receive_invite(),
        reply("180 Ringing", opens=True),
        *cancelled_within(after),
        reply("200 OK", opens=True, body=SDP),
        receive("ACK"),
        play(audio),
        *(only_in_calls(in_calls, keys) if in_calls else keys),
        *until_hung_up(hangs_up_after, bye_of_answerer(len(presses) + 1)),
    )


def rings_unanswered() -> str:
    """A phone that rings until the call is cancelled."""
    return scenario(receive_invite(), reply("180 Ringing", opens=True), *cancelled_within(FOREVER))


def refuses(status: str = "486 Busy Here") -> str:
    """A phone that refuses every call: busy, declined (`603 Decline`), broken (`503 ...`)."""
    return scenario(receive_invite(capture=False), reply(status, opens=True), receive("ACK"))
