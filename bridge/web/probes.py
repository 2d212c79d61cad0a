"""What `/livez` and `/readyz` answer. Called by `app`."""

from __future__ import annotations

from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse, PlainTextResponse

from bridge.supervision.status import LinkStatus, Status, degradations, readiness, silent_for
from bridge.version import __version__


def livez(status: Status, dead_after: float) -> Response:
    """200 while this process can still do its job; 500 when only a restart may help.

    A lost PBX or store is no reason to restart: that is `/readyz`.
    """
    silent = silent_for(status)
    if silent > dead_after:
        return PlainTextResponse(
            f"dead: the SOS path has not answered its canary for {silent:.0f} s (limit {dead_after:g} s)\n",
            status_code=500,
        )
    return PlainTextResponse("alive\n")


def readyz(status: Status, accept: str) -> Response:
    """200 or 503, with every reason: JSON where `accept` prefers it, else a line each."""
    ready, reasons = readiness(status)
    flaws = degradations(status)
    code = 200 if ready else 503
    vary = {"Vary": "Accept"}
    if prefers_json(accept):
        return JSONResponse(_document(status, ready, reasons, flaws), status_code=code, headers=vary)
    head = "ready" if ready else "not ready"
    lines = [head, *reasons, *(f"degraded: {flaw}" for flaw in flaws)]
    return PlainTextResponse("".join(f"{line}\n" for line in lines), status_code=code, headers=vary)


def _document(status: Status, ready: bool, reasons: list[str], flaws: list[str]) -> dict[str, Any]:
    return {
        "ready": ready,
        "reasons": reasons,
        "degraded": flaws,
        "now": status.now,
        "started_at": status.started_at,
        "node": status.node,
        "version": __version__,
        "schema": status.schema_revision,
        "config": {"hash": status.config_hash, "reload_refused": bool(status.config_error)},
        "canary": {"at": status.canary_at, "every": status.canary_every},
        "lanes": {"silent_for": status.lanes_silent_for},
        "store": {
            "degraded_since": status.store_degraded_since,
            "spool_events": status.spool_events,
            "spool_failing": bool(status.spool_error),
        },
        "links": [_link(link) for link in status.links],
    }


def _link(link: LinkStatus) -> dict[str, Any]:
    return {
        "name": link.name,
        "kind": link.kind,
        "up": link.up,
        "since": link.since,
        "lag_seconds": link.lag_seconds,
    }


def prefers_json(accept: str) -> bool:
    """Whether an Accept header ranks JSON above plain text (RFC 9110 section 12.5.1)."""
    return _quality(accept, "application", "json") > _quality(accept, "text", "plain")


def _quality(accept: str, kind: str, subtype: str) -> float:
    """The weight of the most specific range that matches; 0 if none does."""
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        media, _, parameters = part.partition(";")
        weights[media.strip()] = _weight(parameters)
    ranges = (f"{kind}/{subtype}", f"{kind}/*", "*/*")
    return next((weights[media] for media in ranges if media in weights), 0.0)


def _weight(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
