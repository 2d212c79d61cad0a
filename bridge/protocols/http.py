"""One driver's link to an HTTP server: a request goes out, an answer or one of `bridge.errors` comes back.

Called by the HTTP drivers, from the event loop; `http_wire` does the blocking work in at most two daemon
threads. The link decides what a failure means by what is known at that moment: nothing was sent
(`Unreachable`), the server asks for patience (`Retryable`) or refuses (`Refused`), or bytes left and no
usable answer came back (`Uncertain`). `Effect` is how the driver says what the request does.
"""

from __future__ import annotations

import asyncio
import email.utils
import enum
import json as jsonlib
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from requests.auth import AuthBase

from bridge.errors import (
    DeliveryError,
    NothingThere,
    Permanent,
    Retryable,
    Uncertain,
    Unreachable,
    Unsent,
)
from bridge.model import NOTHING, Clock, Finding
from bridge.protocols.http_exchange import Exchange, open_session
from bridge.protocols.http_outgoing import body_of, checked_header, checked_method, checked_path
from bridge.protocols.http_settings import HttpSettings
from bridge.protocols.http_wire import Call, Failure, Reply, Workers
from bridge.protocols.scrub import Scrubber
from bridge.protocols.template import encodable

THREADS: Final = 2
LOOKED_AT: Final = 65_536
"""Bytes of a body that are searched for words to show."""
SUCCESS: Final = range(200, 300)
TRY_LATER: Final = frozenset({408, 425, 429, 503})
"""Statuses that say nothing was done and it may work later (RFC 9110 15.5.9, RFC 8470, RFC 6585, 15.6.4)."""
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
GONE: Final = frozenset({404, 410})
UNSUPPORTED: Final = frozenset({501, 505})


class Effect(enum.Enum):
    """What the request does at the other side, and so what a missing or broken answer means."""

    NONE = "none"
    """It only asks: without an answer nothing is lost, so every passing failure is `Retryable` (no answer
    at all: `Unreachable`; one that is too large came, so the system is there)."""
    REPEATABLE = "repeatable"
    """Twice is the same as once: a 5xx is `Retryable`; no answer is `Uncertain` (it may have happened)."""
    ONCE = "once"
    """A repeat would do it again: a 5xx and no answer are both `Uncertain`."""


class Refused(Permanent):
    """The server answered with a status that means no. `status` says which (401, 403, 404, 409, 3xx, ...)."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class NotFound(Refused, NothingThere):
    """404 or 410 (RFC 9110 15.5.5, 15.5.11)."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A complete answer with an expected status. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    _link: HttpLink = field(repr=False, compare=False)
    _what: str = field(repr=False, compare=False)
    _effect: Effect = field(repr=False, compare=False)

    @property
    def text(self) -> str:
        """The body as UTF-8; what is not UTF-8 becomes U+FFFD."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body's JSON value. Raises what `Effect` says of an unusable answer if it is none.

        Half a character (`\\ud800` alone), which nothing behind us could write down, becomes `?`.
        """
        try:
            return _json_value(self.body)
        except (ValueError, RecursionError):
            raise self.unusable(self._not_json()) from None

    def unusable(self, why: str) -> DeliveryError:
        """Return the error for an answer that came but cannot be used; `why` completes "…: "."""
        return _unusable(f"{self._what}: {why}", self._effect)

    def _not_json(self) -> str:
        if self.body.lstrip()[:1] == b"<":
            return "it answered with a web page instead of JSON (wrong base_url, a log-in page, a proxy?)"
        return f"the answer is not JSON, or not all of it: {self._link.excerpt(self.body) or 'empty'}"


class HttpLink:
    """A driver's connection to its server.

    name: the driver instance's name; it begins every error text.
    """

    def __init__(self, settings: HttpSettings, *, name: str, clock: Clock) -> None:
        """Raises ConfigError if the settings' CA file cannot be used."""
        # Reading this machine's authorities takes 0.1 s, so only where they are asked.
        context = settings.tls.context() if settings.encrypted else None
        self.settings = settings
        self._name = name
        self._clock = clock
        address = urlsplit(settings.base_url)
        self._host = address.netloc
        self._host_name = address.hostname
        self._scrubber = Scrubber()
        self._workers = Workers(name, lambda: open_session(context), THREADS)
        self._under_way: set[Exchange] = set()
        self._closed = False

    def conceal(self, secret: str) -> None:
        """Remove `secret` from every error text from now on."""
        self._scrubber.conceal(secret)

    def warnings(self) -> list[Finding]:
        """What `sosbridge check` must keep saying about the way to this server."""
        found = []
        if not self.settings.encrypted and self._host_name not in LOOPBACK:
            found.append("http:// sends credentials and commands unencrypted: use https://")
        if self.settings.encrypted and not self.settings.tls.verify:
            found.append("tls.verify is off: anybody on the network can pose as this server")
        return [Finding(level="warning", subject=self._name, text=text) for text in found]

    def excerpt(self, body: bytes | str, limit: int = 160) -> str:
        """Return the beginning of what the other side said, on one line and without secrets."""
        text = body[:LOOKED_AT].decode("utf-8", "replace") if isinstance(body, bytes) else body
        return self._scrubber.clean(text, limit=limit)

    async def request(
        self,
        method: str,
        path: str,
        *,
        effect: Effect = Effect.ONCE,
        params: Mapping[str, str] = NOTHING,
        json: Any = None,
        data: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] = NOTHING,
        expect: Container[int] = SUCCESS,
        within: float | None = None,
        deadline: float | None = None,
        urgent: bool = False,
        max_body: int | None = None,
        auth: AuthBase | None = None,
    ) -> HttpAnswer:
        """Send one request and return its answer, if the status is one of `expect`.

        path: appended to `base_url`, begins with `/`; already percent-encoded, without query.
        json, data: the body: a JSON value, or form fields, or bytes (then `headers` names their type).
        within: seconds for the whole request, instead of `timeouts.total`.
        deadline: UTC epoch seconds after which an answer is of no use.
        urgent: go before requests that wait for one of the link's two connections.
        max_body: bytes of the answer that are read, where one listing needs more than the settings say.
        auth: logs in with the request, where that takes more than a header (`http_ntlm`).

        Raises Unreachable, Retryable, Refused, Permanent or Uncertain; ProtocolError if what we were about
        to send is not allowed on the wire. No redirect is followed.
        """
        what = f"{self._name}: {method} {checked_path(path)} at {self._host}"
        body, kind = body_of(json, data)
        checked = {name: checked_header(name, value) for name, value in headers.items()}
        call = self._call(
            method, path, params=params, body=body, headers={**kind, **checked}, max_body=max_body, auth=auth
        )
        budget = self._budget(within, deadline)
        if self._closed or budget <= 0:
            raise Unsent(f"{what}: not sent: {'the link is closed' if self._closed else 'no time left'}")
        exchange = Exchange(self._clock.monotonic())
        outcome = await self._exchange(exchange, call, budget, urgent)
        if isinstance(outcome, Failure):
            raise self._failed(what, outcome, exchange, effect)
        if outcome.status not in expect:
            raise self._refused(what, outcome, effect)
        return HttpAnswer(outcome.status, outcome.headers, outcome.body, self, what, effect)

    async def close(self) -> None:
        """Cut what is under way and let the threads end. Does not wait for them."""
        self._closed = True
        for exchange in tuple(self._under_way):
            exchange.cut()
        self._workers.close()

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str],
        body: bytes | None,
        headers: Mapping[str, str | bytes],
        max_body: int | None,
        auth: AuthBase | None,
    ) -> Call:
        return Call(
            method=checked_method(method),
            url=self.settings.base_url + path,
            headers=headers,
            params=tuple((name, encodable(value)) for name, value in params.items()),
            body=body,
            connect_timeout=self.settings.timeouts.connect,
            read_timeout=self.settings.timeouts.read,
            max_body=max(max_body or 0, self.settings.max_body),
            auth=auth,
        )

    def _budget(self, within: float | None, deadline: float | None) -> float:
        budget = self.settings.timeouts.total if within is None else within
        return budget if deadline is None else min(budget, deadline - self._clock.now())

    async def _exchange(self, exchange: Exchange, call: Call, budget: float, urgent: bool) -> Reply | Failure:
        """Let a thread perform `call`; cut it when the budget is spent or the caller is cancelled."""
        self._under_way.add(exchange)
        try:
            async with asyncio.timeout(budget):
                return await asyncio.wrap_future(self._workers.submit(exchange, call, urgent=urgent))
        except TimeoutError:
            waited = "no complete answer" if exchange.begun else "both connections were busy"
            return Failure(f"{waited} within {budget:.1f} s")
        finally:
            # After a complete answer there is nothing left to cut: the thread has let go of the socket.
            exchange.cut()
            self._under_way.discard(exchange)

    def _failed(self, what: str, failure: Failure, exchange: Exchange, effect: Effect) -> DeliveryError:
        text = self._scrubber.clean(f"{what}: {failure.reason}")
        if failure.answered:
            return _unusable(text, effect)
        if failure.refused:
            return Permanent(text)
        if exchange.sent:
            return Unreachable(text) if effect is Effect.NONE else Uncertain(text)
        if failure.certificate:
            return Permanent(f"{text}; set tls.ca to the authority that signed it, or mend the certificate")
        kind = Unreachable if exchange.begun else Unsent
        return kind(f"{text} (nothing was sent)")

    def _refused(self, what: str, reply: Reply, effect: Effect) -> DeliveryError:
        status = reply.status
        said = f"{what}: HTTP {status}"
        if 300 <= status < 400:
            where = self.excerpt(reply.headers.get("location", "")) or "nowhere"
            return Refused(f"{said}, a redirect to {where}: put the final address into base_url", status)
        if reply.body and b"<html" not in reply.body[:1024].lower():
            said += f": {self.excerpt(reply.body)}"
        if status in TRY_LATER:
            return Retryable(said, retry_after=self._retry_after(reply.headers.get("retry-after", "")))
        if status >= 500 and status not in UNSUPPORTED:
            return Uncertain(said) if effect is Effect.ONCE else Retryable(said)
        if status < 300:
            return _unusable(f"{said}, which was not expected", effect)
        return (NotFound if status in GONE else Refused)(said, status)

    def _retry_after(self, value: str) -> float | None:
        """Seconds of a Retry-After field (RFC 9110 10.2.3: seconds or a date), capped; None if unusable."""
        if value.strip().isascii() and value.strip().isdigit():
            wait = float(value)
        else:
            try:
                wait = email.utils.parsedate_to_datetime(value).timestamp() - self._clock.now()
            except (ValueError, OverflowError):
                return None
        return min(max(wait, 0.0), self.settings.retry_after_cap)


def _unusable(text: str, effect: Effect) -> DeliveryError:
    return Retryable(text) if effect is Effect.NONE else Uncertain(text)


def _json_value(body: bytes) -> Any:
    value = jsonlib.loads(body)
    if b"\\ud" not in body.lower():
        return value
    return jsonlib.loads(jsonlib.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
