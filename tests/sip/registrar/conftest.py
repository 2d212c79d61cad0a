"""The password of all telephones here."""

from __future__ import annotations

import pytest

from tests.sip.registrar.registering import PASSWORD, VARIABLE


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, PASSWORD)
