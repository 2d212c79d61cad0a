"""The FastAPI application. `bridge.app` gives it a way to ask for the status, and `server` serves it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import FastAPI, Request, Response
from starlette.datastructures import MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.supervision.status import Status
from bridge.web.gauges import StatusGauges
from bridge.web.metrics import Metrics
from bridge.web.probes import livez, readyz

DEAD_AFTER = 120.0
"""Seconds of a silent SOS path after which whoever watches the process should restart it."""

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""A route may set its own value of any of these."""


def create_app(
    status: Callable[[], Status],
    metrics: Metrics,
    *,
    dead_after: float = DEAD_AFTER,
    hosts: Sequence[str] = (),
) -> FastAPI:
    """Return the application with `/livez`, `/readyz` and `/metrics`.

    status: called in the event loop for every request; must not block.
    dead_after: seconds of a silent SOS path from which `/livez` answers 500.
    hosts: names that the Host header may have (`*.example.org` for all below); empty for any.
    One `Metrics` serves one application: its gauges are registered here.
    """
    metrics.registry.register(StatusGauges(status))
    app = FastAPI(title="sosbridge", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)

    @app.api_route("/livez", methods=["GET", "HEAD"])
    async def _livez() -> Response:
        return livez(status(), dead_after)

    @app.api_route("/readyz", methods=["GET", "HEAD"])
    async def _readyz(request: Request) -> Response:
        return readyz(status(), request.headers.get("accept", ""))

    @app.api_route("/metrics", methods=["GET", "HEAD"])
    async def _metrics(request: Request) -> Response:
        body, content_type = metrics.exposition(request.headers.get("accept", ""))
        return Response(body, media_type=content_type)

    if hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    app.add_middleware(_SecurityHeaders)
    return app


class _SecurityHeaders:
    """Adds `_HEADERS` to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
