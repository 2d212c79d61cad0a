"""The same store tests over both databases: `url` names one with empty tables, `store` is open on it."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from bridge.store import Database, Store
from bridge.store.migrate import upgrade
from bridge.store.schema import metadata
from tests.parts.postgres import Postgres
from tests.store.kinds import POSTGRES, SQLITE

_numbers = itertools.count()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "template.db"
    _upgraded(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> str:
    _upgraded(postgres.create_database("store_template"))
    return "store_template"


@pytest.fixture(scope="session")
def postgres_shared(postgres: Postgres) -> str:
    """One database for most tests: making one takes longer than most of them."""
    url = postgres.create_database("store_shared")
    _upgraded(url)
    return url


@pytest.fixture(params=[SQLITE, POSTGRES])
def kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def empty_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Make the URL of another database without tables, at each call."""

    def make() -> str:
        number = next(_numbers)
        if kind == SQLITE:
            return f"sqlite:///{tmp_path}/empty-{number}.db"
        server: Postgres = request.getfixturevalue("postgres")
        return server.create_database(f"empty_{number}")

    return make


@pytest.fixture
def own_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database that the test may change the tables of."""
    if kind == SQLITE:
        yield _copied(request, tmp_path)
        return
    server: Postgres = request.getfixturevalue("postgres")
    template, name = request.getfixturevalue("postgres_template"), f"store_{next(_numbers)}"
    with psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    yield server.url_of(name)
    server.drop_database(name)


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if kind == SQLITE:
        return _copied(request, tmp_path)
    url: str = request.getfixturevalue("postgres_shared")
    with Database(url) as database, database.write() as connection:
        empty(connection)
    return url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store(url) as opened:
        yield opened


def _upgraded(url: str) -> None:
    with Database(url) as database:
        upgrade(database)


def _copied(request: pytest.FixtureRequest, folder: Path) -> str:
    template: Path = request.getfixturevalue("sqlite_template")
    shutil.copy(template, folder / "site.db")
    return f"sqlite:///{folder}/site.db"


def empty(connection: sa.Connection) -> None:
    """Delete every row."""
    for table in reversed(metadata.sorted_tables):
        connection.execute(sa.delete(table))
