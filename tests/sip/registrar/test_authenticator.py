"""Who is believed, and what the others learn: nothing."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

import pytest

from bridge.protocols.secret import Secret
from bridge.protocols.sip import digest
from bridge.protocols.sip.headers.challenge import Challenge
from bridge.protocols.sip.message import Request
from bridge.protocols.sip.registrar import Answer, Authenticator, Registrar
from bridge.protocols.sip.registrar.authenticator import NONCE_LIFE
from tests.sip.registrar.registering import FLOW, NOW, VARIABLE, Telephone, account, randomness, registrar


@pytest.fixture
def telephone() -> Telephone:
    return Telephone(registrar(account(), account("9104")))


def challenges(answer: Answer) -> list[Challenge]:
    return [value for _, value in answer.fields if isinstance(value, Challenge)]


def test_the_stronger_algorithm_first(telephone: Telephone) -> None:
    """RFC 8760 section 2.3."""
    answer = telephone.asked.answer(telephone.request(), FLOW, NOW)
    assert answer.status == 401
    assert [challenge.algorithm for challenge in challenges(answer)] == ["SHA-256", "MD5"]
    assert answer.refusal is not None
    assert answer.refusal.reason == ""


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_both_algorithms(telephone: Telephone, algorithm: str) -> None:
    telephone.algorithm = algorithm
    assert telephone.register().status == 200


def shape(answer: Answer) -> tuple[Any, ...]:
    """What a stranger sees, without the nonce."""
    return answer.status, [(c.realm, c.algorithm, c.qop, c.stale, len(c.nonce)) for c in challenges(answer)]


def test_a_stranger_does_not_learn_who_exists(telephone: Telephone) -> None:
    telephone.password = "wrong"
    wrong = telephone.register()
    nobody = Telephone(telephone.asked, "9999")
    unknown = nobody.register()
    assert shape(wrong) == shape(unknown)
    assert wrong.refusal is not None
    assert unknown.refusal is not None
    assert (wrong.refusal.phone, wrong.refusal.reason) == ("P-9103", "a wrong password")
    assert (unknown.refusal.phone, unknown.refusal.reason) == ("", "an unknown user")


def test_the_work_is_the_same(telephone: Telephone, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a user who does not exist, as for a wrong password: hashes, comparisons, secrets read."""
    done: list[str] = []

    def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def note(*arguments: Any) -> Any:
            done.append(name)
            return function(*arguments)

        return note

    for place, name in ((Secret, "reveal"), (hmac, "compare_digest"), (digest.Algorithm, "hash")):
        monkeypatch.setattr(place, name, watched(name, getattr(place, name)))

    def work(user: str, password: str) -> list[str]:
        other = Telephone(telephone.asked, user)
        other.password = password
        other.learn(telephone.asked.answer(other.request(), FLOW, NOW))
        signed = other.sign(other.request())
        done.clear()
        assert telephone.asked.answer(signed, FLOW, NOW).status == 401
        return list(done)

    assert work("9999", "any") == work("9103", "wrong")


def test_no_decoy_lets_a_stranger_in(telephone: Telephone) -> None:
    """The password of the account that stands in for him."""
    nobody = Telephone(telephone.asked, "9999")
    assert nobody.register().status == 401


def test_another_telephones_address(telephone: Telephone) -> None:
    """Only after it has proved to be somebody."""
    other = Telephone(telephone.asked, "9104", username="9103")
    assert other.register().status == 403
    assert telephone.asked.contacts("9104", NOW) == ()


def test_a_digest_user_of_another_name() -> None:
    asked = registrar(account("auth-3", aor="9103"))
    assert Telephone(asked, "9103", username="auth-3").register().status == 200
    assert [binding.phone for binding in asked.contacts("9103", NOW)] == ["P-auth-3"]


class TestNonces:
    def test_one_serves_many_requests(self, telephone: Telephone) -> None:
        for _ in range(3):
            assert telephone.register().status == 200
        assert telephone.count == 3

    def test_a_replay(self, telephone: Telephone) -> None:
        telephone.learn(telephone.asked.answer(telephone.request(), FLOW, NOW))
        signed = telephone.sign(telephone.request("<sip:9103@192.0.2.3>"))
        assert telephone.asked.answer(signed, FLOW, NOW).status == 200
        again = telephone.asked.answer(signed, FLOW, NOW)
        assert again.status == 401
        assert challenges(again)[0].stale

    def test_an_old_one_is_stale(self, telephone: Telephone) -> None:
        telephone.register()
        late = NOW + NONCE_LIFE + 1
        answer = telephone.asked.answer(telephone.sign(telephone.request()), FLOW, late)
        assert (answer.status, challenges(answer)[0].stale) == (401, True)
        telephone.learn(answer)
        assert telephone.asked.answer(telephone.sign(telephone.request()), FLOW, late).status == 200

    def test_an_old_one_with_a_wrong_password_is_just_wrong(self, telephone: Telephone) -> None:
        telephone.register()
        telephone.password = "wrong"
        answer = telephone.asked.answer(telephone.sign(telephone.request()), FLOW, NOW + NONCE_LIFE + 1)
        assert not challenges(answer)[0].stale

    @pytest.mark.parametrize("nonce", ["", "x", "6957-00-11", "zz-zz-zz", "ä-ö-ü", "-" * 99, "1" * 5000])
    def test_one_that_we_never_made(self, telephone: Telephone, nonce: str) -> None:
        telephone.challenge = Challenge("plant", nonce, "SHA-256", ("auth",))
        answer = telephone.asked.answer(telephone.sign(telephone.request()), FLOW, NOW)
        assert (answer.status, challenges(answer)[0].stale) == (401, True)

    def test_strangers_fill_no_memory(self, telephone: Telephone) -> None:
        for _ in range(1000):
            telephone.asked.answer(telephone.request(), FLOW, NOW)
        assert len(telephone.asked._authenticator._counts) == 0

    def test_each_is_another(self, telephone: Telephone) -> None:
        nonces = {
            challenges(telephone.asked.answer(telephone.request(), FLOW, NOW))[0].nonce for _ in range(50)
        }
        assert len(nonces) == 50


@pytest.mark.parametrize(
    "line",
    ["Digest", "Digest username=9103", 'Digest realm="plant", realm="plant"', "Digest " + "a=b," * 500],
)
def test_credentials_that_cannot_be_read(telephone: Telephone, line: str) -> None:
    request = telephone.request()
    broken = Request("REGISTER", request.uri, request.headers.setting("Authorization", line))
    assert telephone.asked.answer(broken, FLOW, NOW).status == 401


def test_credentials_for_somebody_else(telephone: Telephone) -> None:
    """Another realm's are no attempt to get in here."""
    telephone.challenge = Challenge("elsewhere", "n", "SHA-256", ("auth",))
    answer = telephone.asked.answer(telephone.sign(telephone.request()), FLOW, NOW)
    assert answer.refusal is not None
    assert (answer.status, answer.refusal.reason) == (401, "")


def test_a_password_that_cannot_be_read(telephone: Telephone, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of any account: the site has to mend it, the telephone learns nothing."""
    telephone.learn(telephone.asked.answer(telephone.request(), FLOW, NOW))
    monkeypatch.delenv(VARIABLE)
    answer = telephone.asked.answer(telephone.sign(telephone.request()), FLOW, NOW)
    assert (answer.status, answer.fields) == (500, ())
    assert VARIABLE in answer.unusable


def test_a_registrar_without_accounts() -> None:
    asked = Registrar(Authenticator("plant", (), randomness=randomness()))
    assert Telephone(asked).register().status == 401


def test_no_secret_in_a_repr(telephone: Telephone) -> None:
    telephone.password = "wrong"
    answer = telephone.register()
    text = repr((account(), answer, telephone.asked._authenticator))
    assert "correct horse" not in text
    assert "wrong'" not in text


class TestOldTelephones:
    """They see SHA-256 and give up, instead of taking the MD5 beside it."""

    def offered(self, telephone: Telephone) -> list[str]:
        answer = telephone.asked.answer(telephone.request(), FLOW, NOW)
        return [challenge.algorithm for challenge in challenges(answer)]

    def test_who_did_not_sign_is_asked_for_less(self, telephone: Telephone) -> None:
        assert [self.offered(telephone) for _ in range(3)] == [["SHA-256", "MD5"], ["MD5"], ["MD5"]]
        assert self.offered(Telephone(telephone.asked, "9104")) == ["SHA-256", "MD5"]

    def test_nobody_learns_who_exists_by_it(self, telephone: Telephone) -> None:
        nobody = Telephone(telephone.asked, "9999")
        assert [self.offered(nobody) for _ in range(2)] == [["SHA-256", "MD5"], ["MD5"]]

    def test_who_can_do_better_is_asked_for_it_again(self, telephone: Telephone) -> None:
        """One lost response must not weaken a telephone for ever."""
        telephone.learn(telephone.asked.answer(telephone.request(), FLOW, NOW))
        assert self.offered(telephone) == ["MD5"]
        assert telephone.asked.answer(telephone.sign(telephone.request()), FLOW, NOW).status == 200
        assert self.offered(telephone) == ["SHA-256", "MD5"]

    def test_a_stale_nonce_is_renewed_in_the_same_way(self, telephone: Telephone) -> None:
        telephone.algorithm = "MD5"
        telephone.register()
        answer = telephone.asked.answer(telephone.sign(telephone.request()), FLOW, NOW + NONCE_LIFE + 1)
        assert [challenge.algorithm for challenge in challenges(answer)] == ["MD5"]

    def test_never_where_md5_is_not_wanted(self) -> None:
        strict = Authenticator(
            "plant", [account()], randomness=randomness(), algorithms=[digest.Algorithm.SHA_256]
        )
        telephone = Telephone(Registrar(strict))
        assert [self.offered(telephone) for _ in range(2)] == [["SHA-256"], ["SHA-256"]]
        telephone.challenge = Challenge("plant", "n", "MD5", ("auth",))
        answer = telephone.asked.answer(telephone.sign(telephone.request()), FLOW, NOW)
        assert [challenge.algorithm for challenge in challenges(answer)] == ["SHA-256"]

    def test_memory_is_bounded(self, telephone: Telephone) -> None:
        for number in range(5000):
            self.offered(Telephone(telephone.asked, f"u{number}"))
        assert len(telephone.asked._authenticator._turned_away) == 4096
