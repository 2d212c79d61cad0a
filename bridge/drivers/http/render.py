"""From a configured request and an incident's values to the wire, and from the answer to yes or no. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from bridge.drivers.http.settings import Expectation, RequestSettings
from bridge.errors import ProtocolError
from bridge.protocols.http import HttpAnswer
from bridge.protocols.template import escape_line, escape_xml, fill_structure, resolve_pointer, same_json

ABSENT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One request, filled in."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes | None = field(default=None, repr=False)
    """Exactly what is sent, and so what is signed."""


def render(request: RequestSettings, values: Mapping[str, str]) -> Rendered:
    """Fill `values` in, each escaped for the place where it stands.

    Raises ProtocolError for a value that cannot stand there: empty in the path, no number for `:int`.
    What is wrong in a header or the path as a whole, `HttpLink.request` refuses.
    """
    kind, body = _body(request, values)
    headers = {name: template.text(values, escape_line) for name, template in request.headers.items()}
    if kind and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = kind
    return Rendered(
        method=request.method,
        path=request.path.text(values, _segment(request)),
        params={name: template.text(values) for name, template in request.query.items()},
        headers=headers,
        body=body,
    )


def unmet(expect: Expectation, answer: HttpAnswer, values: Mapping[str, str]) -> str:
    """Return in words what `answer` lacks, or nothing. Raises as `HttpAnswer.json` if JSON is needed."""
    if expect.json_values:
        document = answer.json()
        for pointer, structure in expect.json_values.items():
            due = fill_structure(structure, values)
            found = _at(document, pointer)
            if found is ABSENT or not same_json(found, due):
                there = "nothing" if found is ABSENT else json.dumps(found, ensure_ascii=False)[:80]
                due = json.dumps(due, ensure_ascii=False)
                return f"{pointer or 'the answer'} should be {due}, and there is {there}"
    if expect.text is not None and (text := expect.text.text(values)) not in answer.text:
        return f"the text {text!r} does not occur in the answer"
    return ""


def page_instead_of_data(expect: Expectation, answer: HttpAnswer) -> str:
    """Return in words that a success status hides a web page or broken JSON, or nothing.

    A log-in page or a proxy answers 200 too. Systems that really speak HTML prove themselves by `text`.
    """
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml") and expect.text is None:
        return "it answered with a web page (a log-in page, a proxy?); if that is right, set expect.text"
    if kind == "application/json" and answer.body:
        answer.json()
    return ""


def wanted(request: RequestSettings, values: Mapping[str, str]) -> str:
    """Say what `request` proves when its expectation holds: "GET /cameras/3: /recording is true"."""
    expect = request.expect
    facts = [
        f"{pointer or 'the answer'} is {json.dumps(fill_structure(structure, values), ensure_ascii=False)}"
        for pointer, structure in expect.json_values.items()
    ]
    if expect.text is not None:
        facts.append(f"it says {expect.text.text(values)!r}")
    if not facts:
        facts.append(f"HTTP {' or '.join(map(str, expect.status)) or '2xx'}")
    return f"{request.method} {request.path.text(values, _segment(request))}: {', '.join(facts)}"


def _body(request: RequestSettings, values: Mapping[str, str]) -> tuple[str, bytes | None]:
    """The media type and the bytes; no type where there is no body."""
    if request.json_body is not None:
        filled = fill_structure(request.json_body, values)
        return "application/json", json.dumps(filled, ensure_ascii=False).encode("utf-8", "replace")
    if request.form is not None:
        fields = {name: template.text(values) for name, template in request.form.items()}
        return "application/x-www-form-urlencoded", urlencode(fields).encode()
    if request.xml is not None:
        return "application/xml", request.xml.text(values, escape_xml).encode()
    if request.text is not None:
        return "text/plain; charset=utf-8", request.text.text(values, escape_line).encode()
    return "", None


def _segment(request: RequestSettings) -> Callable[[str], str]:
    def escape(value: str) -> str:
        if not value:
            raise ProtocolError(f"a placeholder of the path {request.path.source} is empty for this action")
        return quote(value, safe="")

    return escape


def text_at(document: Any, pointer: str) -> str:
    """Return the text or number at a JSON Pointer as text; empty where there is neither."""
    found = _at(document, pointer)
    return str(found) if isinstance(found, str | int | float) and not isinstance(found, bool) else ""


def _at(document: Any, pointer: str) -> Any:
    try:
        return resolve_pointer(document, pointer)
    except LookupError:
        return ABSENT
