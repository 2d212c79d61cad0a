"""Our extension at a PBX, or at two: every way it can go, without sockets and clocks."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import pytest

from bridge.errors import ConfigError
from bridge.protocols.secret import Secret
from bridge.protocols.sip.agent import Target
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.headers.cseq import CSeq
from bridge.protocols.sip.message import Headers, Request, Response, respond
from bridge.protocols.sip.registration import (
    Account,
    Due,
    Effect,
    Lost,
    Register,
    Registered,
    Registration,
    Server,
    Stopped,
    StopWaiting,
    Times,
    Wait,
)

FLOW = Flow("UDP", ("192.0.2.1", 5060), ("192.0.2.9", 5060))
VARIABLE = "TEST_PASSWORD_SOS"
ACCOUNT = Account(user="9110", password=Secret("env", VARIABLE))
ONE = Server(name="pbx1", host="192.0.2.9")
TWO = Server(name="pbx2", host="192.0.2.10")


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "secret")


class Bench:
    """A registration, and who answers it."""

    def __init__(self, *servers: Server, times: Times | None = None, chance: float = 0.5) -> None:
        servers = servers or (ONE,)
        ids = [f"id-{server.name}" for server in servers]
        self.registration = Registration(ACCOUNT, servers, call_ids=ids, chance=lambda: chance, times=times)
        self.asked: list[Register] = []
        self.waits: dict[Due, float] = {}
        self.news: list[Effect] = []
        self.take(self.registration.start())

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Register():
                    self.asked.append(effect)
                case Wait(due, after):
                    self.waits[due] = after
                case StopWaiting(due):
                    self.waits.pop(due, None)
                case _:
                    self.news.append(effect)

    @property
    def last(self) -> Register:
        return self.asked[-1]

    def answer(
        self, status: int, *fields: tuple[str, object], asked: Register | None = None, more: int = 0
    ) -> None:
        """Answer a REGISTER, the last one if none is named; after so many more numbers for challenges."""
        asked = asked or self.last
        request = sent(asked, more)
        self.take(self.registration.answered(asked, request, respond(request, status, *fields, to_tag="t")))

    def accept(self, expires: int = 300, asked: Register | None = None) -> None:
        asked = asked or self.last
        contact = sent(asked).headers.first("Contact")
        self.answer(200, ("Contact", f"{contact};expires={expires}"), asked=asked)

    def fail(self, reason: str = "timeout", asked: Register | None = None) -> None:
        self.take(self.registration.failed(asked or self.last, reason))

    def fire(self, due: Due) -> None:
        del self.waits[due]
        self.take(self.registration.fired(due))


def sent(asked: Register, more: int = 0) -> Request:
    """The request that the user agent makes of it."""
    target = asked.target(FLOW)
    call_id, number = asked.sequence
    headers = Headers.of(
        ("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"),
        ("From", target.from_.with_tag("f")),
        ("To", target.to),
        ("Call-ID", call_id),
        ("CSeq", CSeq(number + more, "REGISTER")),
        *target.fields,
    )
    return Request("REGISTER", target.uri, headers)


class TestRequest:
    def test_what_it_says(self) -> None:
        """10.2: domain without user in the Request-URI, our address in From and To."""
        target = Bench().last.target(FLOW)
        assert isinstance(target, Target)
        assert (str(target.uri), str(target.to), str(target.from_)) == (
            "sip:192.0.2.9",
            "<sip:9110@192.0.2.9>",
            "<sip:9110@192.0.2.9>",
        )
        assert [(name, str(value)) for name, value in target.fields] == [
            ("Contact", "<sip:9110@192.0.2.1>"),
            ("Expires", "300"),
        ]
        assert target.login is not None
        assert (target.login.username, target.login.password) == ("9110", "secret")

    def test_a_domain_of_its_own(self) -> None:
        bench = Bench(Server(name="pbx1", host="192.0.2.9", domain="plant.example.com"))
        assert str(bench.last.target(FLOW).uri) == "sip:plant.example.com"

    def test_the_same_call_id_and_rising_numbers(self) -> None:
        """10.2: also above what the user agent needed for a challenge."""
        bench = Bench()
        bench.answer(200, ("Contact", "<sip:9110@192.0.2.1>;expires=300"), more=1)
        bench.fire(Due.REFRESH)
        assert [asked.sequence for asked in bench.asked] == [("id-pbx1", 1), ("id-pbx1", 3)]

    def test_no_secret_in_a_repr(self) -> None:
        asked = Bench().last
        assert "secret'" not in repr((asked, asked.target(FLOW)))

    def test_a_password_that_cannot_be_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bench = Bench()
        monkeypatch.delenv(VARIABLE)
        with pytest.raises(ConfigError, match=VARIABLE):
            bench.last.target(FLOW)

    def test_without_a_password(self) -> None:
        asked = Register(ONE, Account(user="9110"), ("c", 1), 300)
        assert asked.target(FLOW).login is None


class TestRegistered:
    @pytest.mark.parametrize(("chance", "after"), [(0.0, 80.0), (0.999, 89.99)])
    def test_refreshed_at_80_to_90_percent(self, chance: float, after: float) -> None:
        bench = Bench(chance=chance)
        bench.accept(100)
        assert bench.news == [Registered(ONE)]
        assert bench.waits == {Due.REFRESH: pytest.approx(after)}
        assert bench.registration.server == ONE

    def test_a_refresh_is_no_news(self) -> None:
        bench = Bench()
        for _ in range(3):
            bench.accept()
            bench.fire(Due.REFRESH)
        assert bench.news == [Registered(ONE)]

    @pytest.mark.parametrize(
        ("fields", "life"),
        [
            ((("Contact", "<sip:9110@192.0.2.1>;expires=60"),), 60),
            ((("Contact", "<sip:other@192.0.2.7>;expires=10, <sip:9110@192.0.2.1>;expires=60"),), 60),
            ((("Contact", "<sip:9110@203.0.113.7:9999>;expires=60"),), 60),
            ((("Contact", "<sip:9110@192.0.2.1>"), ("Expires", 90)), 90),
            ((("Contact", "<sip:9110@192.0.2.1>"),), 300),
            ((("Contact", "<sip:9110@192.0.2.1>;expires=99999999999"),), 300),
            ((("Contact", "<<<"),), 300),
        ],
    )
    def test_how_long(self, fields: tuple[tuple[str, object], ...], life: int) -> None:
        bench = Bench()
        bench.answer(200, *fields)
        assert bench.waits == {Due.REFRESH: pytest.approx(life * 0.85)}

    @pytest.mark.parametrize("fields", [(), (("Contact", "<sip:9110@192.0.2.1>;expires=0"),)])
    def test_a_200_that_does_not_keep_us(self, fields: tuple[tuple[str, object], ...]) -> None:
        bench = Bench()
        bench.answer(200, *fields)
        assert bench.news == [Lost("pbx1: it did not keep our contact")]


class TestTooBrief:
    """10.2.8"""

    def test_asked_again_for_longer(self) -> None:
        bench = Bench()
        bench.answer(423, ("Min-Expires", 1800))
        assert [asked.expires for asked in bench.asked] == [300, 1800]
        bench.accept(1800)
        bench.fire(Due.REFRESH)
        assert bench.last.expires == 1800

    @pytest.mark.parametrize(
        "fields", [(), (("Min-Expires", 300),), (("Min-Expires", 99_999_999),), (("Min-Expires", "x"),)]
    )
    def test_a_423_that_makes_no_sense(self, fields: tuple[tuple[str, object], ...]) -> None:
        bench = Bench()
        bench.answer(423, *fields)
        assert len(bench.asked) == 1
        assert bench.news == [Lost("pbx1: 423 Interval Too Brief")]


class TestLost:
    @pytest.mark.parametrize(
        ("status", "text"),
        [
            (401, "401 Unauthorized"),
            (403, "403 Forbidden"),
            (404, "404 Not Found"),
            (500, "500 Server Internal Error"),
            (302, "302 Moved Temporarily"),
        ],
    )
    def test_why(self, status: int, text: str) -> None:
        bench = Bench()
        bench.answer(status)
        assert bench.news == [Lost(f"pbx1: {text}")]

    def test_told_once(self) -> None:
        bench = Bench()
        for _ in range(3):
            bench.fail()
            bench.fire(Due.RETRY)
        assert bench.news == [Lost("pbx1: timeout")]
        bench.accept()
        assert bench.news[1:] == [Registered(ONE)]
        assert Due.RETRY not in bench.waits

    def test_a_refresh_that_fails(self) -> None:
        bench = Bench()
        bench.accept()
        bench.fire(Due.REFRESH)
        bench.fail("nobody answered")
        assert bench.news == [Registered(ONE), Lost("pbx1: nobody answered")]
        assert set(bench.waits) == {Due.RETRY}
        assert bench.registration.server is None

    def test_waits_grow_up_to_a_cap(self) -> None:
        bench = Bench(chance=0.999_999)
        waits = []
        for _ in range(40):
            bench.fail()
            waits.append(round(bench.waits[Due.RETRY]))
            bench.fire(Due.RETRY)
        assert waits[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
        assert waits[-1] == 60

    def test_not_all_at_once(self) -> None:
        chances = itertools.count()

        def wait() -> float:
            bench = Bench(chance=next(chances) / 10)
            bench.fail()
            return bench.waits[Due.RETRY]

        assert len({wait() for _ in range(10)}) == 10

    @pytest.mark.parametrize(
        ("fields", "after"),
        [
            ((("Retry-After", "40 (booting)"),), 40),
            ((("Retry-After", "999999"),), 300),
            ((("Retry-After", "0"),), 0.75),
            ((("Retry-After", "soon"),), 0.75),
            ((), 0.75),
        ],
    )
    def test_retry_after(self, fields: tuple[tuple[str, object], ...], after: float) -> None:
        bench = Bench()
        bench.answer(503, *fields)
        assert bench.waits[Due.RETRY] == after

    @pytest.mark.parametrize("status", [401, 403, 404, 407])
    def test_a_wrong_password_is_not_tried_so_often(self, status: int) -> None:
        """Asterisk's fail2ban would lock us out."""
        bench = Bench()
        bench.answer(status)
        assert bench.waits[Due.RETRY] == 180

    def test_after_a_success_it_begins_anew(self) -> None:
        bench = Bench(chance=0.999_999)
        for _ in range(5):
            bench.fail()
            bench.fire(Due.RETRY)
        bench.accept()
        bench.fire(Due.REFRESH)
        bench.fail()
        assert round(bench.waits[Due.RETRY]) == 1


@pytest.fixture
def two() -> Bench:
    return Bench(ONE, TWO)


class TestFailover:
    def test_to_the_second_at_once(self, two: Bench) -> None:
        two.fail()
        assert two.last.server == TWO
        assert two.news == []
        two.accept(100)
        assert two.news == [Registered(TWO)]
        assert two.waits == {Due.REFRESH: pytest.approx(85), Due.HOME: 60}

    @pytest.mark.parametrize("status", [403, 500, 503, 600])
    def test_whatever_the_first_says(self, two: Bench, status: int) -> None:
        two.answer(status, ("Retry-After", 500))
        assert two.last.server == TWO

    def test_from_a_refresh(self, two: Bench) -> None:
        two.accept()
        two.fire(Due.REFRESH)
        two.fail()
        two.accept()
        assert two.news == [Registered(ONE), Registered(TWO)]

    def test_both_dead(self, two: Bench) -> None:
        two.fail("no route")
        two.fail("timeout")
        assert two.news == [Lost("pbx1, pbx2: timeout")]
        two.fire(Due.RETRY)
        assert two.last.server == ONE

    def test_the_server_that_would_have_us_sooner_decides(self, two: Bench) -> None:
        two.answer(503, ("Retry-After", 100))
        two.answer(503, ("Retry-After", 20))
        assert two.waits[Due.RETRY] == 20

    def test_one_refuses_and_one_is_dead(self, two: Bench) -> None:
        """The dead one may be back soon."""
        two.answer(403)
        two.fail()
        assert two.waits[Due.RETRY] == 0.75

    def test_back_home(self, two: Bench) -> None:
        two.fail()
        two.accept()
        two.fire(Due.HOME)
        assert two.last.server == ONE
        two.accept()
        assert two.news == [Registered(TWO), Registered(ONE)]
        assert (two.last.server, two.last.expires) == (TWO, 0)
        assert Due.HOME not in two.waits
        before = len(two.asked)
        two.answer(200)
        two.fire(Due.REFRESH)
        assert [asked.server for asked in two.asked[before:]] == [ONE]

    def test_unregistering_at_the_second_fails(self, two: Bench) -> None:
        two.fail()
        two.accept()
        two.fire(Due.HOME)
        two.accept()
        two.fail()
        assert two.news == [Registered(TWO), Registered(ONE)]
        assert set(two.waits) == {Due.REFRESH}

    @pytest.mark.parametrize("after", [None, 200])
    def test_not_yet_home(self, two: Bench, after: int | None) -> None:
        """Nothing is lost by trying."""
        two.fail()
        two.accept(100)
        two.fire(Due.HOME)
        if after is None:
            two.fail()
        else:
            two.answer(503, ("Retry-After", after))
        assert two.news == [Registered(TWO)]
        assert two.waits == {Due.REFRESH: pytest.approx(85), Due.HOME: after or 60}
        assert two.registration.server == TWO

    def test_the_second_dies_too(self, two: Bench) -> None:
        two.fail()
        two.accept()
        two.fire(Due.REFRESH)
        two.fail()
        assert two.last.server == ONE
        two.fail("no route")
        assert two.news[1:] == [Lost("pbx2, pbx1: no route")]
        assert set(two.waits) == {Due.RETRY}

    def test_the_second_dies_while_the_first_is_tried(self, two: Bench) -> None:
        two.fail()
        two.accept()
        two.fire(Due.HOME)
        home = two.last
        two.fire(Due.REFRESH)
        two.fail(asked=two.last)
        two.fail(asked=home)  # nobody waits for that any more
        assert two.news == [Registered(TWO)]
        two.accept()
        assert two.news[1:] == [Registered(ONE)]


class TestStop:
    def test_unregisters(self) -> None:
        bench = Bench()
        bench.accept()
        bench.take(bench.registration.stop())
        assert (bench.last.expires, bench.waits) == (0, {})
        bench.answer(200)
        assert bench.news == [Registered(ONE), Stopped()]

    @pytest.mark.parametrize("end", [Bench.fail, lambda bench: bench.answer(403)])
    def test_does_not_wait_for_a_dead_server(self, end: Callable[[Bench], None]) -> None:
        bench = Bench()
        bench.accept()
        bench.take(bench.registration.stop())
        end(bench)
        assert bench.news[-1] == Stopped()
        assert bench.waits == {}

    def test_at_once_where_there_is_nothing_to_unregister(self) -> None:
        bench = Bench()
        bench.take(bench.registration.stop())
        assert bench.news == [Stopped()]
        bench.accept()
        assert bench.news == [Stopped()]

    def test_nothing_more_comes(self) -> None:
        bench = Bench()
        bench.accept()
        bench.take(bench.registration.stop())
        bench.answer(200)
        for due in Due:
            assert bench.registration.fired(due) == []


def test_answers_to_nothing() -> None:
    bench = Bench()
    stranger = Register(ONE, ACCOUNT, ("x", 1), 300)
    assert bench.registration.failed(stranger, "x") == []
    request = sent(stranger)
    response: Response = respond(request, 200, to_tag="t")
    assert bench.registration.answered(stranger, request, response) == []


def test_timers_of_before() -> None:
    bench = Bench()
    assert bench.registration.fired(Due.REFRESH) == bench.registration.fired(Due.HOME) == []


def test_servers_need_names_of_their_own() -> None:
    with pytest.raises(ValueError, match="different names"):
        Registration(ACCOUNT, [ONE, ONE], call_ids=["a", "b"], chance=lambda: 0)
    with pytest.raises(ValueError, match="needs servers"):
        Registration(ACCOUNT, [], call_ids=[], chance=lambda: 0)


def test_the_reason_names_every_server(two: Bench) -> None:
    two.fail()
    two.answer(503)
    [lost] = two.news
    assert isinstance(lost, Lost)
    assert re.fullmatch("pbx1, pbx2: 503 Service Unavailable", lost.reason)
