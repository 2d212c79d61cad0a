"""Secrets: where they may lie, and that they are seen nowhere."""

from __future__ import annotations

import copy
import logging
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from bridge.errors import ConfigError
from bridge.protocols.secret import MAX_BYTES, Secret

VALUE = "s3kr1t-väl"


class Login(BaseModel):
    password: Secret


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(VALUE + "\n")
    path.chmod(0o640)
    return path


def test_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZM_PASSWORD", VALUE)
    assert Login.model_validate({"password": {"env": "ZM_PASSWORD"}}).password.reveal() == VALUE


def test_file_loses_its_final_newline_only(secret_file: Path) -> None:
    secret_file.write_text("  two words \r\n")
    assert Secret("file", str(secret_file)).reveal() == "  two words "


def test_systemd_credential(secret_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secret_file.parent))
    assert Secret("credential", "password").reveal() == VALUE


def test_a_changed_value_is_seen_by_the_next_reveal(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Secret("env", "ZM_PASSWORD")
    monkeypatch.setenv("ZM_PASSWORD", "old")
    assert secret.reveal() == "old"
    monkeypatch.setenv("ZM_PASSWORD", "new")
    assert secret.reveal() == "new"


def test_the_value_is_seen_nowhere(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("ZM_PASSWORD", VALUE)
    login = Login.model_validate({"password": {"env": "ZM_PASSWORD"}})
    login.password.resolve()
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("%s %r %s", login, login.password, login.password)
    everywhere = [
        caplog.text,
        repr(login),
        str(login.password),
        f"{login.password}",
        str(login.model_dump()),
        login.model_dump_json(),
        str(vars(login)),
        pickle.dumps(login.password).decode("latin-1"),
        repr(copy.deepcopy(login.password)),
    ]
    assert not [shown for shown in everywhere if VALUE in shown]


def test_a_dump_can_be_read_again() -> None:
    login = Login.model_validate({"password": {"file": "/run/secrets/zm"}})
    assert Login.model_validate(login.model_dump(mode="json")) == login


@pytest.mark.parametrize(
    "written",
    [
        VALUE,
        5,
        None,
        [VALUE],
        {},
        {"env": "A", "file": "/b"},
        {"value": VALUE},
        {"env": VALUE},
        {"env": "A\n"},
        {"env": 5},
        {"file": VALUE},
        {"file": f"/{VALUE}\0"},
        {"credential": f"../{VALUE}"},
        {"credential": ""},
    ],
)
def test_anything_else_is_refused_without_repeating_it(written: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        Login.model_validate({"password": written})
    [error] = caught.value.errors(include_input=False, include_url=False)
    assert error["type"].startswith("secret_")
    assert VALUE not in str(error)


def test_inline_says_how() -> None:
    with pytest.raises(ValidationError, match=r"\{env: NAME\}, \{file: /path\} or \{credential: name\}"):
        Login.model_validate({"password": VALUE})


def _instead(path: Path, make: Callable[[], None]) -> None:
    path.unlink()
    make()


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda path: path.unlink(), "cannot be read: No such file"),
        (lambda path: path.write_text(""), "is empty"),
        (lambda path: path.write_text("\n"), "is empty"),
        (lambda path: path.write_text("a\nb\n"), "more than one line"),
        (lambda path: path.write_text("a\0b"), "more than one line"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "not UTF-8"),
        (lambda path: path.write_text("x" * (MAX_BYTES + 1)), "larger than"),
        (lambda path: path.chmod(0o644), "open to everybody"),
        (lambda path: path.chmod(0o602), "open to everybody"),
        (lambda path: _instead(path, path.mkdir), "not a regular file"),
        (lambda path: _instead(path, lambda: os.mkfifo(path, 0o600)), "not a regular file"),
    ],
    ids=[
        "missing",
        "empty",
        "newline only",
        "two lines",
        "nul",
        "not text",
        "huge",
        "world-readable",
        "world-writable",
        "directory",
        "pipe",
    ],
)
def test_a_file_that_will_not_do(secret_file: Path, prepare: Any, words: str) -> None:
    prepare(secret_file)
    with pytest.raises(ConfigError, match=words) as caught:
        Secret("file", str(secret_file)).resolve()
    assert str(secret_file) in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_variable_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZM_PASSWORD", raising=False)
    with pytest.raises(ConfigError, match="environment variable ZM_PASSWORD is not set"):
        Secret("env", "ZM_PASSWORD").resolve()
    monkeypatch.setenv("ZM_PASSWORD", "")
    with pytest.raises(ConfigError, match="ZM_PASSWORD is empty"):
        Secret("env", "ZM_PASSWORD").resolve()


def test_a_credential_outside_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(ConfigError, match=r"LoadCredential=zm:/path"):
        Secret("credential", "zm").resolve()
