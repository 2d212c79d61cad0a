"""REGISTER by RFC 3261 section 10.3: contacts, times, order, and what outlives the process."""

from __future__ import annotations

import json

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.registrar import Answer, Change, Registrar, RegistrarSettings
from tests.sip.registrar.registering import FLOW, NOW, Telephone, account, fetch, registrar

HERE = "<sip:9103@192.0.2.3>"
THERE = "<sip:9103@192.0.2.4:5062>"


@pytest.fixture
def telephone() -> Telephone:
    return Telephone(registrar())


@pytest.fixture
def two_lines() -> Telephone:
    return Telephone(registrar(account(contacts=2)))


def changes(answer: Answer) -> list[tuple[Change, str]]:
    assert answer.status == 200
    return [(changed.change, str(changed.binding.contact)) for changed in answer.changed]


def where(telephone: Telephone, at: float = NOW) -> list[str]:
    return [str(binding.contact) for binding in telephone.asked.contacts("9103", at)]


class TestBindings:
    def test_registered(self, telephone: Telephone) -> None:
        answer = telephone.register(HERE, expires=120)
        assert changes(answer) == [(Change.REGISTERED, "sip:9103@192.0.2.3")]
        binding = answer.changed[0].binding
        assert (binding.phone, binding.flow, binding.expires_at) == ("P-9103", FLOW, NOW + 120)
        assert [(n, str(v)) for n, v in answer.fields if n == "Contact"] == [
            ("Contact", f"{HERE};expires=120")
        ]
        assert any(name == "Date" for name, _ in answer.fields)

    def test_refreshed(self, telephone: Telephone) -> None:
        telephone.register(HERE)
        answer = telephone.register(HERE, at=NOW + 100)
        assert changes(answer) == [(Change.REFRESHED, "sip:9103@192.0.2.3")]
        binding = answer.changed[0].binding
        assert (binding.since, binding.expires_at) == (NOW, NOW + 400)

    @pytest.mark.parametrize(
        ("contact", "expires", "granted"),
        [
            (HERE, None, 300),
            (HERE, 120, 120),
            (HERE, 999_999_999, 600),
            (f"{HERE};expires=90", 120, 90),
            (f"{HERE};expires=junk", None, 600),
            (f"{HERE};expires=99999999999999999999", None, 600),
        ],
    )
    def test_times(self, telephone: Telephone, contact: str, expires: int | None, granted: int) -> None:
        assert telephone.register(contact, expires=expires).changed[0].binding.expires_at == NOW + granted

    @pytest.mark.parametrize(("contact", "expires"), [(HERE, 59), (f"{HERE};expires=1", 300)])
    def test_too_brief(self, telephone: Telephone, contact: str, expires: int) -> None:
        """10.3 step 7."""
        answer = telephone.register(contact, expires=expires)
        assert (answer.status, answer.fields) == (423, (("Min-Expires", 60),))
        assert where(telephone) == []

    def test_unregistered(self, telephone: Telephone) -> None:
        telephone.register(HERE)
        assert changes(telephone.register(HERE, expires=0)) == [(Change.UNREGISTERED, "sip:9103@192.0.2.3")]
        assert changes(telephone.register(HERE, expires=0)) == []
        assert where(telephone) == []

    def test_all_of_them(self, two_lines: Telephone) -> None:
        two_lines.register(HERE, THERE)
        assert len(changes(two_lines.register("*", expires=0))) == 2
        assert where(two_lines) == []

    @pytest.mark.parametrize("expires", [None, 60])
    def test_a_star_needs_expires_0(self, telephone: Telephone, expires: int | None) -> None:
        """10.3 step 6."""
        telephone.register(HERE)
        assert telephone.register("*", expires=expires).status == 400
        assert len(where(telephone)) == 1

    @pytest.mark.parametrize(
        ("contacts", "extra"),
        [(("*", HERE), {}), (("<<<",), {}), ((HERE,), {"Expires": "soon"}), ((HERE,), {"Require": "a b"})],
    )
    def test_what_cannot_be_read(
        self, telephone: Telephone, contacts: tuple[str, ...], extra: dict[str, str]
    ) -> None:
        telephone.register(HERE)
        assert telephone.register(*contacts, expires=None, at=NOW, flow=FLOW, **extra).status == 400
        assert where(telephone) == ["sip:9103@192.0.2.3"]

    def test_fetch(self, two_lines: Telephone) -> None:
        two_lines.register(f"{HERE};q=0.5", expires=120)
        two_lines.register(THERE, expires=200)
        assert fetch(two_lines, NOW + 20) == [f"{THERE};expires=180", f"{HERE};expires=100;q=0.5"]

    def test_preference(self, two_lines: Telephone) -> None:
        two_lines.register(f"{HERE};q=0.2", f"{THERE};q=0.9")
        assert where(two_lines) == ["sip:9103@192.0.2.4:5062", "sip:9103@192.0.2.3"]

    def test_a_rebooted_telephone_replaces_itself(self, telephone: Telephone) -> None:
        """Its port is new: it must not be locked out by its own past."""
        telephone.register(HERE)
        telephone.call_id = "c2"
        answer = telephone.register(THERE, at=NOW + 1)
        assert changes(answer) == [
            (Change.REGISTERED, "sip:9103@192.0.2.4:5062"),
            (Change.UNREGISTERED, "sip:9103@192.0.2.3"),
        ]
        assert where(telephone) == ["sip:9103@192.0.2.4:5062"]

    def test_the_oldest_makes_room(self, two_lines: Telephone) -> None:
        for second, port in enumerate((5061, 5062, 5063)):
            two_lines.register(f"<sip:9103@192.0.2.3:{port}>", at=NOW + second)
        assert where(two_lines) == ["sip:9103@192.0.2.3:5063", "sip:9103@192.0.2.3:5062"]

    def test_the_same_telephone_at_another_address(self, two_lines: Telephone) -> None:
        instance = ';+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"'
        two_lines.register(HERE + instance)
        two_lines.register(THERE + instance)
        assert where(two_lines) == ["sip:9103@192.0.2.4:5062"]

    def test_leave_one_and_come_to_another_at_once(self, telephone: Telephone) -> None:
        telephone.register(HERE)
        assert telephone.register(f"{HERE};expires=0", THERE).status == 200
        assert where(telephone) == ["sip:9103@192.0.2.4:5062"]

    def test_more_than_allowed_in_one_request(self, telephone: Telephone) -> None:
        assert telephone.register(HERE, THERE).status == 403
        assert where(telephone) == []

    @pytest.mark.parametrize("contact", ["<tel:+4930123>", "<mailto:a@b>", "<urn:service:sos>"])
    def test_a_contact_that_nobody_can_call(self, telephone: Telephone, contact: str) -> None:
        assert telephone.register(contact).status == 400

    def test_the_same_contact_written_otherwise(self, telephone: Telephone) -> None:
        """RFC 3261 section 19.1.4."""
        telephone.register("<sip:9103@Pump.Plant>")
        assert changes(telephone.register("<sip:%39103@pump.plant;ob>"))[0][0] is Change.REFRESHED


class TestOrder:
    """10.3 step 7."""

    @pytest.mark.parametrize("number", [1, 2])
    def test_overtaken(self, telephone: Telephone, number: int) -> None:
        telephone.register(HERE)
        telephone.number = number - 1
        assert telephone.register(HERE, expires=0, at=NOW + 5).status == 500
        assert len(where(telephone)) == 1

    def test_a_star_overtaken(self, telephone: Telephone) -> None:
        telephone.register(HERE)
        telephone.number = 0
        assert telephone.register("*", expires=0, at=NOW + 5).status == 500

    def test_all_or_nothing(self, two_lines: Telephone) -> None:
        two_lines.register(HERE)
        two_lines.number = 0
        assert two_lines.register(THERE, HERE).status == 500
        assert where(two_lines) == ["sip:9103@192.0.2.3"]

    def test_another_call_id_begins_anew(self, telephone: Telephone) -> None:
        telephone.register(HERE)
        telephone.number, telephone.call_id = 0, "c2"
        assert telephone.register(HERE).status == 200

    def test_a_rebooted_telephone_with_its_old_call_id(self, telephone: Telephone) -> None:
        """Much later: not overtaken, but rebooted."""
        telephone.register(HERE)
        telephone.number = 0
        assert telephone.register(HERE, at=NOW + 40).status == 200


class TestExtensions:
    @pytest.mark.parametrize(
        ("extra", "said"),
        [
            ({"Require": "outbound, gruu"}, "outbound, gruu"),
            ({"Path": "<sip:edge.plant;lr>"}, "path"),
            ({"Require": "path", "Path": "<sip:edge.plant;lr>"}, "path"),
        ],
    )
    def test_what_we_cannot_do_is_said(self, telephone: Telephone, extra: dict[str, str], said: str) -> None:
        answer = telephone.asked.answer(telephone.request(HERE, expires=None, **extra), FLOW, NOW)
        assert (answer.status, answer.fields) == (420, (("Unsupported", said),))

    def test_what_a_telephone_merely_could_do_is_ignored(self, telephone: Telephone) -> None:
        """RFC 5626 section 6: without `Require: outbound` in the 200 it knows."""
        assert telephone.register(f"{HERE};reg-id=1", Supported="outbound, path").status == 200


class TestExpiry:
    def test_expired(self, two_lines: Telephone) -> None:
        two_lines.register(HERE, expires=100)
        two_lines.register(THERE, expires=200)
        asked = two_lines.asked
        assert asked.next_expiry == NOW + 100
        assert asked.expire(NOW + 99.9) == ()
        gone = asked.expire(NOW + 100)
        assert [(c.change, str(c.binding.contact)) for c in gone] == [(Change.EXPIRED, "sip:9103@192.0.2.3")]
        assert asked.expire(NOW + 101) == ()
        assert len(asked.expire(NOW + 200)) == 1
        assert asked.next_expiry is None

    def test_nobody_is_called_who_has_expired(self, telephone: Telephone) -> None:
        telephone.register(HERE, expires=100)
        assert where(telephone, NOW + 100) == []

    def test_expired_but_not_yet_noticed(self, telephone: Telephone) -> None:
        telephone.register(HERE, expires=100)
        assert fetch(telephone, NOW + 150) == []


class TestRestart:
    def test_the_next_process_knows_them(self) -> None:
        before = Telephone(registrar(account(contacts=2)))
        flow = Flow("TLS", ("2001:db8::1", 5061), ("2001:db8::3", 40_000), "tls-7")
        before.register(f"{HERE};q=0.5", flow=flow, expires=100)
        before.register(THERE, expires=500)
        kept = json.loads(json.dumps(before.asked.snapshot()))
        after = registrar(account(contacts=2))
        after.restore(kept)
        old, new = before.asked.contacts("9103", NOW), after.contacts("9103", NOW)
        assert new[0] == old[0]
        assert new[1].flow == Flow("TLS", flow.local, flow.remote)
        assert [c.change for c in after.expire(NOW + 100)] == [Change.EXPIRED]

    def test_a_refresh_after_it_is_no_news(self) -> None:
        before = Telephone(registrar())
        before.register(HERE)
        after = registrar()
        after.restore(before.asked.snapshot())
        before.asked = after
        assert changes(before.register(HERE, at=NOW + 60))[0][0] is Change.REFRESHED

    @pytest.mark.parametrize(
        "kept",
        [
            {},
            {"version": 99, "bindings": {}},
            {"version": 1, "bindings": []},
            {"version": 1, "bindings": {"9103": [{}]}},
            {"version": 1, "bindings": {"9103": [{"flow": ["UDP"]}]}},
        ],
    )
    def test_what_is_no_snapshot(self, kept: dict[str, object]) -> None:
        with pytest.raises(ProtocolError):
            registrar().restore(kept)


@pytest.mark.parametrize(
    "times",
    [{"shortest": 0}, {"shortest": 4000, "usual": 5000, "longest": 6000}, {"usual": 601}, {"usual": 59}],
)
def test_times_that_make_no_sense(times: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="registration times"):
        RegistrarSettings(**times)


def test_the_registrar_forgets_whoever_left() -> None:
    telephone = Telephone(registrar())
    telephone.register(HERE)
    telephone.register("*", expires=0)
    assert telephone.asked.snapshot()["bindings"] == {}
    assert isinstance(telephone.asked, Registrar)
