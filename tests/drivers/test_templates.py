"""Whatever a value holds, the structure around it stays as the site wrote it."""

from __future__ import annotations

import contextlib
import json
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.drivers.http.render import render
from bridge.drivers.http.settings import PLACEHOLDERS, RequestSettings
from bridge.errors import ProtocolError
from bridge.protocols.http_outgoing import checked_header, checked_path
from bridge.protocols.template import (
    Template,
    TemplateError,
    fill_structure,
    parse_structure,
    resolve_pointer,
    same_json,
)

NASTY = [
    "../../admin",
    "..",
    ".",
    "%2e%2e",
    "a/b",
    "a?b=c#d",
    "a&admin=1",
    'a","admin":true,"b":"',
    "</text><admin/>",
    "]]>",
    "&amp;&#x41;",
    "a\r\nX-Evil: 1\r\n\r\nGET / HTTP/1.1",
    "a\x00b",
    "{title}",
    "{{title}}",
    "%(title)s ${title} {0.__class__}",
    "é € 𝄞 \u2028 \x85",
]
values = st.one_of(st.sampled_from(NASTY), st.text())


def request(**settings: Any) -> RequestSettings:
    return RequestSettings.model_validate({"path": "/x", **settings})


@given(value=values)
def test_path(value: str) -> None:
    """One segment stays one segment; what cannot be one is refused."""
    try:
        path = checked_path(render(request(path="/a/{target}/b"), {"target": value}).path)
    except ProtocolError:
        assert value in ("", ".", "..")
        return
    before, segment, after = path[1:].split("/")
    assert (before, unquote(segment), after) == ("a", value, "b")


@given(value=values)
def test_json(value: str) -> None:
    body = {"title": "{title}", "nested": [{"x": "- {title} -"}, True, 7, None], "{title}": "{{title}}"}
    rendered = render(request(json=body), {"title": value})
    assert rendered.headers == {"Content-Type": "application/json"}
    assert json.loads(rendered.body or b"") == {
        "title": value,
        "nested": [{"x": f"- {value} -"}, True, 7, None],
        "{title}": "{title}",
    }


@given(value=values)
def test_query_and_form(value: str) -> None:
    rendered = render(request(query={"q": "{title}"}, form={"f": "a {title}"}), {"title": value})
    assert rendered.params == {"q": value}
    assert dict(parse_qsl((rendered.body or b"").decode(), keep_blank_values=True)) == {"f": f"a {value}"}
    assert rendered.headers == {"Content-Type": "application/x-www-form-urlencoded"}


@given(value=values)
def test_xml(value: str) -> None:
    rendered = render(request(xml='<a b="{title}"><c>{title}</c></a>'), {"title": value})
    assert isinstance(rendered.body, bytes)
    root = ElementTree.fromstring(rendered.body)
    [child] = root
    assert (root.tag, set(root.attrib), child.tag, list(child)) == ("a", {"b"}, "c", [])
    if value.isprintable():
        assert (root.attrib["b"], child.text or "") == (value, value)


@given(value=values)
def test_text_stays_on_its_line(value: str) -> None:
    rendered = render(request(text="ALARM {title}\nEND\n"), {"title": value})
    assert isinstance(rendered.body, bytes)
    first, second, rest = rendered.body.decode(errors="replace").split("\n")
    assert first.startswith("ALARM ")
    assert (second, rest) == ("END", "")
    assert "\r" not in first


@given(value=values)
def test_header(value: str) -> None:
    """No value ends its line; one that would is refused."""
    header = render(request(headers={"X-Title": "{title}"}), {"title": value}).headers["X-Title"]
    try:
        line = checked_header("X-Title", header)
    except ProtocolError:
        assert not value.isprintable()
        return
    assert not set(line) & set(b"\r\n\0")


@given(value=values)
def test_a_value_is_never_a_template(value: str) -> None:
    assert Template.parse("{title}").text({"title": value, "0": "evil"}) == value


@given(source=st.text(alphabet="{}:abint listle ", max_size=20))
def test_parsing_never_surprises(source: str) -> None:
    """Every text is a template or a TemplateError, and a template can be filled."""
    with contextlib.suppress(TemplateError):
        template = Template.parse(source)
        assert "{" not in template.text(dict.fromkeys(template.names, "x")) or "{{" in source


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{", "lone {"),
        ("a } b", "lone }"),
        ("{a{b}}", "lone {"),
        ("{title:float}", "there is int and list"),
        ("preset {preset:int}", "must be the whole value"),
    ],
)
def test_wrong_templates(source: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words):
        Template.parse(source)


def test_conversions() -> None:
    structure = parse_structure(
        {"preset": "{preset:int}", "cameras": "{cameras:list}", "none": "{views:list}"}
    )
    filled = fill_structure(structure, {"preset": "07", "cameras": "11,12"})
    assert filled == {"preset": 7, "cameras": ["11", "12"], "none": []}
    with pytest.raises(ProtocolError, match="whole number"):
        fill_structure(structure, {"preset": "post-01"})


def test_every_value_of_an_action_is_a_placeholder() -> None:
    """What response.describe and the views add must not be unknown to a site's templates."""
    from bridge.model import Incident, IncidentState, Tier
    from bridge.response import Plan, describe

    incident = Incident(
        id="i", tier=Tier.EMERGENCY, state=IncidentState.OPEN, phone="p", location="l", opened_at=0.0
    )
    assert set(describe(incident, Plan(site="s"))) <= PLACEHOLDERS


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("", {"a": [{"b/c": 1}], "~": 2}),
        ("/a/0/b~1c", 1),
        ("/~0", 2),
        ("/a/1", None),
        ("/a/-1", None),
        ("/a/x", None),
        ("/a/0/b/c", None),
        ("/none", None),
        ("/~0/x", None),
        ("a", None),
    ],
)
def test_json_pointer(pointer: str, found: Any) -> None:
    document = {"a": [{"b/c": 1}], "~": 2}
    if found is None:
        with pytest.raises(LookupError):
            resolve_pointer(document, pointer)
    else:
        assert resolve_pointer(document, pointer) == found


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (True, True, True),
        (True, 1, False),
        (0, False, False),
        (7, 7.0, True),
        ("7", 7, False),
        ([True], [1], False),
        ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}, True),
        ({"a": 1}, {"a": True}, False),
        ([1, 2], [1], False),
        (None, False, False),
    ],
)
def test_json_equality(one: Any, other: Any, same: bool) -> None:
    assert same_json(one, other) is same
    assert same_json(other, one) is same
