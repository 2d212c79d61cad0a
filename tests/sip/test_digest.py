"""Digest on both sides: RFC 7616, RFC 8760, RFC 2617's example, RFC 3261 section 22."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.sip.digest import (
    Algorithm,
    Verdict,
    algorithm_named,
    authorize,
    challenges,
    choose,
    judge,
    secret_of,
)
from bridge.protocols.sip.headers.challenge import Challenge
from bridge.protocols.sip.headers.credentials import Credentials
from bridge.protocols.sip.uri import AbsoluteUri, Uri, parse_uri

URI = parse_uri("sip:9110@192.0.2.1")
PASSWORD = "correct horse"
SECRETS = {
    algorithm: secret_of(algorithm, "9103", "plant", PASSWORD)
    for algorithm in (Algorithm.SHA_256, Algorithm.MD5)
}


def signed(
    challenge: Challenge, *, method: str = "INVITE", uri: Uri = URI, password: str = PASSWORD, count: int = 1
) -> Credentials:
    return authorize(
        challenge,
        method=method,
        uri=uri,
        username="9103",
        password=password,
        cnonce="c0ffee",
        nonce_count=count,
    )


def verdict(credentials: Credentials, **changes: object) -> tuple[Verdict, str]:
    facts: dict[str, object] = {
        "method": "INVITE",
        "uri": URI,
        "realm": "plant",
        "secrets": SECRETS,
        "nonce_is_valid": True,
        "highest_count": 0,
    }
    ruling = judge(credentials, **{**facts, **changes})  # type: ignore[arg-type]  # tests change one fact each
    return ruling.verdict, ruling.reason


SHA, MD5 = challenges("plant", "n0nce")


class TestKnownAnswers:
    """Examples of the standards, worked out by others."""

    RFC_7616 = Challenge(
        realm="http-auth@example.org",
        nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        qop=("auth", "auth-int"),
        opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    )

    @pytest.mark.parametrize(
        ("algorithm", "response"),
        [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ],
    )
    def test_rfc_7616_section_3_9_1(self, algorithm: str, response: str) -> None:
        credentials = authorize(
            replace(self.RFC_7616, algorithm=algorithm),
            method="GET",
            uri=AbsoluteUri("x", "y"),
            username="Mufasa",
            password="Circle of Life",
            cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            nonce_count=1,
        )
        # The example signs a path, which is no URI of SIP: what is signed is put in by hand.
        path = replace(credentials, uri="/dir/index.html")
        secret = secret_of(Algorithm(algorithm), "Mufasa", self.RFC_7616.realm, "Circle of Life")
        assert expected(Algorithm(algorithm), secret, path, "GET") == response

    def test_rfc_2617_section_3_5(self) -> None:
        credentials = Credentials.parse(
            'Digest username="Mufasa", realm="testrealm@host.com",'
            ' nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",'
            ' uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b",'
            ' response="6629fae49393a05397450978507c4ef1", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
        )
        secret = secret_of(Algorithm.MD5, "Mufasa", "testrealm@host.com", "Circle Of Life")
        assert secret == "939e7578ed9e3c518a452acee763bce9"
        assert expected(Algorithm.MD5, secret, credentials, "GET") == credentials.response


def expected(algorithm: Algorithm, secret: str, credentials: Credentials, method: str) -> str:
    from bridge.protocols.sip.digest import _response

    return _response(algorithm, secret, credentials, method)


class TestTheClientSide:
    def test_rfc_8760_2_4_the_first_that_we_can_do(self) -> None:
        unknown = replace(SHA, algorithm="SHA-512-256")
        assert choose([unknown, SHA, MD5]) == SHA
        assert choose([MD5, SHA]) == MD5
        assert choose([unknown]) is None
        assert choose([]) is None

    def test_a_site_that_wants_no_md5(self) -> None:
        assert choose([MD5, SHA], allowed={Algorithm.SHA_256}) == SHA
        assert choose([MD5], allowed={Algorithm.SHA_256}) is None

    def test_only_auth_int_cannot_be_answered(self) -> None:
        assert choose([replace(SHA, qop=("auth-int",))]) is None

    def test_what_is_sent(self) -> None:
        credentials = signed(SHA, count=10)

        assert (credentials.username, credentials.realm, credentials.nonce) == ("9103", "plant", "n0nce")
        assert (credentials.uri, credentials.algorithm) == ("sip:9110@192.0.2.1", "SHA-256")
        assert (credentials.qop, credentials.nonce_count, credentials.cnonce) == ("auth", 10, "c0ffee")
        assert "nc=0000000a" in str(credentials)

    def test_an_old_server_gets_neither_qop_nor_count(self) -> None:
        credentials = signed(replace(MD5, qop=()))
        assert (credentials.qop, credentials.nonce_count, credentials.cnonce) == ("", None, "")

    def test_an_unknown_algorithm(self) -> None:
        with pytest.raises(ProtocolError, match="SHA-512-256"):
            signed(replace(SHA, algorithm="SHA-512-256"))


@pytest.mark.parametrize("name", ["MD5", "md5", "SHA-256", "sha-256", "MD5-sess", "SHA-256-sess", ""])
def test_algorithms_by_name(name: str) -> None:
    assert (algorithm_named(name) or "").lower() == (name.lower() or "md5")


def test_8760_2_3_the_strongest_challenge_comes_first() -> None:
    assert [challenge.algorithm for challenge in challenges("plant", "n", opaque="o", stale=True)] == [
        "SHA-256",
        "MD5",
    ]
    assert all(challenge.stale for challenge in challenges("plant", "n", stale=True))


class TestTheServerSide:
    @pytest.mark.parametrize("challenge", [SHA, MD5])
    def test_the_right_password(self, challenge: Challenge) -> None:
        assert verdict(signed(challenge)) == (Verdict.ACCEPTED, "")

    @pytest.mark.parametrize("algorithm", [Algorithm.MD5_SESS, Algorithm.SHA_256_SESS])
    def test_session_variants(self, algorithm: Algorithm) -> None:
        secrets = {algorithm: secret_of(algorithm, "9103", "plant", PASSWORD)}
        assert verdict(signed(replace(SHA, algorithm=algorithm)), secrets=secrets) == (Verdict.ACCEPTED, "")

    def test_upper_case_hexadecimal(self) -> None:
        credentials = signed(SHA)
        assert verdict(replace(credentials, response=credentials.response.upper()))[0] is Verdict.ACCEPTED

    @pytest.mark.parametrize("change", [{"password": "wrong"}, {"method": "REGISTER"}])
    def test_a_wrong_password_or_method(self, change: dict[str, str]) -> None:
        assert verdict(signed(SHA, **change)) == (Verdict.REFUSED, "a wrong password")  # type: ignore[arg-type]  # texts only

    @pytest.mark.parametrize("response", ["", "ü" * 64, "0" * 64, "0"])
    def test_nonsense_for_a_response(self, response: str) -> None:
        assert verdict(replace(signed(SHA), response=response)) == (Verdict.REFUSED, "a wrong password")

    def test_an_unknown_user(self) -> None:
        assert verdict(signed(SHA), secrets={}) == (
            Verdict.REFUSED,
            "an unknown user, or an algorithm that was not offered",
        )

    def test_rfc_8760_a_downgrade_to_md5_is_refused_where_it_is_not_offered(self) -> None:
        only_sha = {Algorithm.SHA_256: SECRETS[Algorithm.SHA_256]}

        assert verdict(signed(MD5), secrets=only_sha)[0] is Verdict.REFUSED
        assert verdict(replace(signed(MD5), algorithm=""), secrets=only_sha)[0] is Verdict.REFUSED

    def test_an_algorithm_that_nobody_can_do(self) -> None:
        assert verdict(replace(signed(SHA), algorithm="SHA-512-256"))[0] is Verdict.REFUSED

    def test_another_uri(self) -> None:
        other = parse_uri("sip:9111@192.0.2.1")
        assert verdict(signed(SHA, uri=other)) == (Verdict.REFUSED, "signed for another URI")
        assert verdict(replace(signed(SHA), uri="nonsense"))[1] == "signed for another URI"

    def test_the_same_uri_in_another_spelling(self) -> None:
        same = parse_uri("sip:%39110@192.0.2.1")
        assert verdict(signed(SHA, uri=same))[0] is Verdict.ACCEPTED

    def test_a_transport_named_in_one_of_the_two(self) -> None:
        """As pyVoIP signs: who replays it by another transport gains nothing."""
        signed_uri = parse_uri("sip:9110@192.0.2.1;transport=UDP")
        assert (
            verdict(signed(SHA, uri=signed_uri), uri=parse_uri("sip:9110@192.0.2.1"))[0] is Verdict.ACCEPTED
        )

    def test_another_realm(self) -> None:
        assert verdict(signed(replace(SHA, realm="other")))[1] == "another realm"

    def test_stale_only_with_the_right_password(self) -> None:
        assert verdict(signed(SHA), nonce_is_valid=False) == (Verdict.STALE, "an old nonce")
        assert verdict(signed(SHA, password="x"), nonce_is_valid=False)[0] is Verdict.REFUSED

    @pytest.mark.parametrize(
        ("count", "outcome"), [(6, Verdict.ACCEPTED), (5, Verdict.STALE), (4, Verdict.STALE)]
    )
    def test_a_nonce_count_is_used_once(self, count: int, outcome: Verdict) -> None:
        assert verdict(signed(SHA, count=count), highest_count=5)[0] is outcome

    def test_a_replayed_count_in_another_dress_fails(self) -> None:
        assert verdict(replace(signed(SHA, count=1), nonce_count=2))[0] is Verdict.REFUSED

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"qop": ""}, "no qop"),
            ({"qop": "auth-int"}, "a qop that was not offered"),
            ({"cnonce": ""}, "a qop without cnonce or nonce count"),
            ({"nonce_count": None}, "a qop without cnonce or nonce count"),
            ({"nonce_count": 0}, "a qop without cnonce or nonce count"),
            ({"userhash": True}, "a hashed user name, which was not offered"),
        ],
    )
    def test_what_was_not_offered(self, change: dict[str, str], reason: str) -> None:
        assert verdict(replace(signed(SHA), **change)) == (Verdict.REFUSED, reason)  # type: ignore[arg-type]  # one field each

    def test_old_telephones_only_where_they_are_wanted(self) -> None:
        old = signed(replace(MD5, qop=()))

        assert verdict(old) == (Verdict.REFUSED, "no qop")
        assert verdict(old, without_qop=True) == (Verdict.ACCEPTED, "")
