"""Sends a configured request with the site's credentials. Called by the driver and its checks."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Collection, Container, Mapping

from bridge.drivers.http.render import Rendered, render
from bridge.drivers.http.settings import (
    BasicAuth,
    BearerAuth,
    Config,
    HeaderAuth,
    RequestSettings,
    WebhookAuth,
)
from bridge.errors import ConfigError, Permanent
from bridge.model import Clock
from bridge.protocols.http import SUCCESS, Effect, HttpAnswer, HttpLink, Refused
from bridge.protocols.http_limits import NO_LIMITS, Limits
from bridge.protocols.secret import Secret
from bridge.protocols.webhook_signature import parse_key, signed_headers


class Sender:
    """The link with the credentials. name: the driver instance's, which begins every error text."""

    def __init__(self, link: HttpLink, config: Config, *, name: str, clock: Clock) -> None:
        self._link = link
        self._config = config
        self._name = name
        self._clock = clock

    async def send(
        self,
        request: RequestSettings,
        values: Mapping[str, str],
        effect: Effect,
        limits: Limits = NO_LIMITS,
        *,
        delivery: str = "",
        also: Collection[int] = (),
    ) -> HttpAnswer:
        """Send, and once more after a 401: some systems refuse the first request of a forgotten session.

        delivery: its id, for the request that does it; one that only asks has an id of its own.
        also: statuses that are answers here, besides those of success.
        Raises as `HttpLink.request`; Permanent if a secret cannot be used.
        """
        filled = render(request, values)
        message = delivery or str(uuid.uuid4())
        header = self._config.idempotency_header
        key = {header: delivery} if header and delivery else {}
        statuses: Container[int] = frozenset({*(request.expect.status or SUCCESS), *also})

        async def once() -> HttpAnswer:
            return await self._link.request(
                filled.method,
                filled.path,
                effect=effect,
                params=filled.params,
                data=filled.body,
                headers={**filled.headers, **key, **self._credentials(filled, message)},
                expect=statuses,
                deadline=limits.deadline,
                urgent=limits.urgent,
            )

        try:
            return await once()
        except Refused as error:
            if error.status != 401:
                raise
        return await once()

    def _credentials(self, filled: Rendered, message: str) -> dict[str, str]:
        match self._config.auth:
            case BasicAuth(user=user, password=password):
                pair = f"{user}:{self._reveal(password)}".encode()
                encoded = base64.b64encode(pair).decode()
                self._link.conceal(encoded)
                return {"Authorization": f"Basic {encoded}"}
            case BearerAuth(token=token):
                return {"Authorization": f"Bearer {self._reveal(token)}"}
            case HeaderAuth(name=name, value=value):
                return {name: self._reveal(value)}
            case WebhookAuth(secrets=secrets):
                keys = [self._key(secret) for secret in secrets]
                return signed_headers(message, self._clock.now(), filled.body or b"", keys)
        return {}

    def _reveal(self, secret: Secret) -> str:
        try:
            text = secret.reveal()
        except ConfigError as error:
            raise Permanent(f"{self._name}: {error}") from None
        self._link.conceal(text)
        return text

    def _key(self, secret: Secret) -> bytes:
        text = self._reveal(secret)
        try:
            return parse_key(text)
        except ConfigError as error:
            raise Permanent(f"{self._name}: the {secret} cannot sign: {error}") from None
