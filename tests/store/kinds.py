"""The two databases, as parameters of the fixture `kind`."""

from __future__ import annotations

from typing import Final

import pytest

SQLITE: Final = "sqlite"
POSTGRES: Final = pytest.param("postgres", marks=pytest.mark.real("postgres"))

sqlite_only = pytest.mark.parametrize("kind", [SQLITE], indirect=True)
postgres_only = pytest.mark.parametrize("kind", [POSTGRES], indirect=True)
