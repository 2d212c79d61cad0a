"""The secret of every account."""

from __future__ import annotations

import pytest

from tests.triggers_sip.house import PASSWORD, VARIABLE


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, PASSWORD)
