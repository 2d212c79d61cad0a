"""The test PostgreSQL itself."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from tests.parts.availability import need
from tests.parts.postgres import Postgres


def test_a_database_of_its_own_by_url(postgres: Postgres) -> None:
    url = postgres.create_database("one")
    assert url.startswith("postgresql+psycopg://")
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1, current_database()")).one() == (1, "one")
    engine.dispose()
    postgres.drop_database("one")
    with pytest.raises(psycopg.OperationalError, match='"one" does not exist'):
        psycopg.connect(url.replace("+psycopg", ""))


def test_committed_rows_survive_a_crash_and_nothing_is_left_behind() -> None:
    need("postgres")
    with Postgres() as server:
        address = server.url.replace("+psycopg", "")
        with psycopg.connect(address) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
        server.kill()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(address)
        server.start()
        with psycopg.connect(address) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
        folder = server.folder
        pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    assert not folder.exists()
    assert not Path(f"/proc/{pid}").exists()
