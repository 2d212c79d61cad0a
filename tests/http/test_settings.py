"""Addresses that are refused when the configuration is loaded."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bridge.protocols.http_settings import HttpSettings


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://host/x", "http:// or https://"),
        ("file:///etc/passwd", "http:// or https://"),
        ("host/x", "http:// or https://"),
        ("http://", "no host"),
        ("http://user:pass@host/", "credentials"),
        ("http://host/?a=b", "query"),
        ("http://host/#a", "fragment"),
        ("http://host:99999/", "ort"),
        ("http://host/a b", "blank"),
        ("http://host/\r\nX: y", "control"),
    ],
)
def test_bad_addresses(url: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        HttpSettings(base_url=url)
    assert "pass@" not in str(caught.value)


def test_a_trailing_slash_is_no_difference() -> None:
    assert HttpSettings(base_url="https://host:8443/zm/").base_url == "https://host:8443/zm"


def test_unknown_settings_are_errors() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        HttpSettings.model_validate({"base_url": "http://host", "tls": {"verfy": False}})
