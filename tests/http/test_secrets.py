"""No secret leaves in an error text, a repr or a log line."""

from __future__ import annotations

import logging
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import DeliveryError
from bridge.protocols.scrub import Scrubber
from bridge.simulator.vms.faults import Fault, Rule
from bridge.simulator.vms.server import Answer
from tests.http.conftest import Echo, MakeLink

TOKEN = "eyJhbGciOi.J9eyJ1c2VyIjoi.sig-nature"


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.SILENT, Fault.STATUS, Fault.HUGE, Fault.TRUNCATED])
async def test_token_in_the_query(
    server: Echo, link_to: MakeLink, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.faults.order(Rule(fault=fault))
    link = link_to(server.url)
    with pytest.raises(DeliveryError) as caught:
        (await link.request("GET", "/x", params={"token": TOKEN})).json()
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caplog.text
    assert server.requests[0].query["token"] == TOKEN
    assert TOKEN not in shown
    assert "sig-nature" not in shown


async def test_nobody_listens_with_a_token(link_to: MakeLink) -> None:
    with pytest.raises(DeliveryError) as caught:
        await link_to("http://127.0.0.1:1").request("GET", "/x", params={"token": TOKEN})
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


async def test_token_that_the_server_repeats(server: Echo, link_to: MakeLink) -> None:
    """ZoneMinder's 401 holds the whole address of the request, token included."""
    link = link_to(server.url)
    link.conceal("hunter2!")
    data = {"message": "no hunter2%21 hunter2!", "url": f"/zm/x.json?token={TOKEN}&a=1"}
    server.say = Answer.json({"success": False, "data": data}, 401)
    with pytest.raises(DeliveryError) as caught:
        await link.request("GET", "/x")
    assert "hunter2" not in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert '"message": "no *** ***"' in str(caught.value)


async def test_repr_of_an_answer(server: Echo, link_to: MakeLink) -> None:
    server.say = Answer.json({"access_token": TOKEN})
    assert TOKEN not in repr(await link_to(server.url).request("GET", "/x"))


@pytest.mark.parametrize(
    "text",
    [
        "GET /x?token=S3CRETvalue&a=1",
        "access_token=S3CRETvalue",
        '{"refresh_token": "S3CRETvalue"}',
        '{"password":"S3CRETvalue',
        "http://user:S3CRETvalue@host/x",
        "Authorization: Basic UzNDUkVUdmFsdWU=",
        "Bearer S3CRETvalue.abc",
        "got eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJab25lTWluZGVyIn0.abc",
        "ApiKey=S3CRETvalue",
        "api-key=S3CRETvalue;",
    ],
)
def test_what_secrets_look_like(text: str) -> None:
    clean = Scrubber().clean(text)
    for part in ("S3CRET", "UzNDUk", "eyJhb"):
        assert part not in clean
    assert "***" in clean


@given(secret=st.text(min_size=4, max_size=40), before=st.text(max_size=30), after=st.text(max_size=30))
def test_known_secrets_never_pass(secret: str, before: str, after: str) -> None:
    scrubber = Scrubber()
    scrubber.conceal(secret)
    around = Scrubber().clean(before + after)
    if secret not in "***" and secret not in around:
        assert secret not in scrubber.clean(before + secret + after)


@pytest.mark.parametrize(
    "form",
    [
        "pä&quot;ss\\w/'1&lt;",
        "pä&quot;ss\\w/&#x27;1&lt;",
        "pä&quot;ss\\w/&#039;1&lt;",
        "pä&quot;ss\\w/&#39;1&lt;",
        "pä&quot;ss\\w/&apos;1&lt;",
        "pä\"ss\\w/'1&lt;",
        "pä\\\"ss\\\\w/'1<",
        "p\\u00e4\\\"ss\\\\w/'1<",
        "p\\u00e4\\\"ss\\\\w\\/'1<",
        "pä\\\"ss\\\\w\\/'1<",
        "p\\u00E4\\u0022ss\\\\w/\\u00271\\u003C",
    ],
)
def test_a_secret_that_is_escaped_for_html_or_json(form: str) -> None:
    scrubber = Scrubber()
    scrubber.conceal("pä\"ss\\w/'1<")
    assert scrubber.clean(f"user x with {form} is refused") == "user x with *** is refused"


def test_one_bounded_line() -> None:
    clean = Scrubber().clean("a\r\n\tb\0c\u2028d" + "x" * 10_000)
    assert clean.startswith("a b c dxxx")
    assert len(clean) == 300


def test_old_tokens_are_forgotten_but_not_the_password() -> None:
    """A link lives for years, and every log-in brings another token."""
    scrubber = Scrubber()
    for number in range(1000):
        scrubber.conceal("correct-horse")
        scrubber.conceal(f"token-{number:04}")
    assert scrubber.clean("correct-horse token-0999 token-0001") == "*** *** token-0001"
