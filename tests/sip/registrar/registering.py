"""A telephone that registers, for the tests of the registrar."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from bridge.protocols.secret import Secret
from bridge.protocols.sip.digest import authorize
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.headers.challenge import Challenge
from bridge.protocols.sip.message import Headers, Request
from bridge.protocols.sip.registrar import Account, Answer, Authenticator, Registrar, RegistrarSettings
from bridge.protocols.sip.uri import SipUri

NOW = 1_767_225_600.0
FLOW = Flow("UDP", ("192.0.2.1", 5060), ("192.0.2.3", 5060))
PASSWORD = "correct horse"
VARIABLE = "TEST_PASSWORD_9103"


def randomness() -> Callable[[int], bytes]:
    """Return bytes that differ each time, and are the same in each test."""
    numbers = itertools.count(1)
    return lambda size: next(numbers).to_bytes(size)


def account(username: str = "9103", *, contacts: int = 1, **more: str) -> Account:
    secret = Secret("env", VARIABLE)
    return Account(phone=f"P-{username}", username=username, password=secret, contacts=contacts, **more)


def registrar(*accounts: Account, settings: RegistrarSettings | None = None) -> Registrar:
    return Registrar(Authenticator("plant", accounts or (account(),), randomness=randomness()), settings)


class Telephone:
    """Sends REGISTERs; answers the challenge unless told otherwise."""

    def __init__(self, asked: Registrar, user: str = "9103", *, username: str = "") -> None:
        self.asked = asked
        self.user = user
        self.username = username or user
        self.password = PASSWORD
        self.call_id = "c1"
        self.number = 0
        self.algorithm = "SHA-256"
        self.challenge: Challenge | None = None
        self.count = 0

    def request(self, *contacts: str, expires: int | None = None, **extra: str) -> Request:
        self.number += 1
        headers = Headers.of(
            ("Via", f"SIP/2.0/UDP 192.0.2.3:5060;branch=z9hG4bK{self.number}"),
            ("From", f"<sip:{self.user}@plant.example.com>;tag=f1"),
            ("To", f"<sip:{self.user}@plant.example.com>"),
            ("Call-ID", self.call_id),
            ("CSeq", f"{self.number} REGISTER"),
            *(("Contact", contact) for contact in contacts),
            *((("Expires", expires),) if expires is not None else ()),
            *((name.replace("_", "-"), value) for name, value in extra.items()),
        )
        return Request("REGISTER", SipUri("plant.example.com"), headers)

    def sign(self, request: Request) -> Request:
        assert self.challenge is not None
        self.count += 1
        credentials = authorize(
            self.challenge,
            method="REGISTER",
            uri=request.uri,
            username=self.username,
            password=self.password,
            cnonce="c0ffee",
            nonce_count=self.count,
        )
        headers = request.headers.setting("Authorization", credentials)
        return Request(request.method, request.uri, headers)

    def learn(self, answer: Answer) -> None:
        """Remember the challenge for the algorithm that this telephone knows."""
        found = [value for name, value in answer.fields if name == "WWW-Authenticate"]
        challenges = [value for value in found if isinstance(value, Challenge)]
        self.challenge = next(value for value in challenges if value.algorithm == self.algorithm)
        self.count = 0

    def register(
        self,
        *contacts: str,
        expires: int | None = None,
        at: float = NOW,
        flow: Flow = FLOW,
        **extra: str,
    ) -> Answer:
        """Register, by way of a challenge where there is none yet, or the old one is stale."""
        contacts = contacts or ("<sip:9103@192.0.2.3>",)
        if self.challenge is None:
            self.learn(self.asked.answer(self.request(*contacts, expires=expires), flow, at))
        answer = self.asked.answer(self.sign(self.request(*contacts, expires=expires, **extra)), flow, at)
        if answer.status == 401 and answer.refusal and not answer.refusal.reason:
            self.learn(answer)
            signed = self.sign(self.request(*contacts, expires=expires, **extra))
            answer = self.asked.answer(signed, flow, at)
        return answer


def fetch(telephone: Telephone, at: float = NOW) -> list[str]:
    """Return the contacts that a REGISTER without any gets told."""
    signed = telephone.sign(telephone.request())
    answer = telephone.asked.answer(signed, FLOW, at)
    assert (answer.status, answer.changed) == (200, ())
    return [str(value) for name, value in answer.fields if name == "Contact"]
