"""A copy of a database that is written to meanwhile."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from bridge.errors import StoreError
from bridge.store import Database, Lease, Store, backup
from bridge.store.backup import back_up
from bridge.store.verify import verify
from tests.store.kinds import sqlite_only
from tests.store.rows import NOW, decision, event, incident

pytestmark = sqlite_only


def quiet(done: int, total: int) -> None:
    del done, total


def fill(store: Store, count: int) -> None:
    with store.transaction() as transaction:
        transaction.write([decision(*(incident(f"{n}", f"{n}", location="x" * 500) for n in range(count)))])


def test_the_copy_is_the_same_and_a_store_again(store: Store, tmp_path: Path) -> None:
    fill(store, 20)
    copy = tmp_path / "copy.sqlite3"
    back_up(store._database, copy, quiet)
    assert copy.stat().st_mode & 0o777 == 0o640 & ~_umask()
    with Store(f"sqlite:///{copy}") as restored:
        assert restored.incidents() == store.incidents()
        assert list(verify(restored._database)) == []
        fill(restored, 0)
        assert restored.heads()[0].seq == 2
    assert sorted(path.name for path in tmp_path.iterdir() if "copy" in path.name) == ["copy.sqlite3"]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_writers_go_on_and_do_not_make_it_begin_anew(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit before each step: if the copy were begun anew each time, it would never end."""
    monkeypatch.setattr(backup, "PAGES", 4)
    monkeypatch.setattr(backup, "REST", 0.0)
    fill(store, 200)
    steps: list[tuple[int, int]] = []

    def commit(done: int, total: int) -> None:
        steps.append((done, total))
        with store.transaction() as transaction:
            cause = event(key=f"meanwhile {len(steps)}")
            transaction.write([decision(caused_by=cause)], Lease(node="a", now=NOW + len(steps)))

    copy = tmp_path / "copy.sqlite3"
    thread = threading.Thread(target=back_up, args=(store._database, copy, commit), daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert len(steps) > 5
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert len({total for _, total in steps}) == 1
    with Store(f"sqlite:///{copy}") as restored:
        assert [entry.seq for entry in restored.journal()] == [1]
        assert list(verify(restored._database)) == []
    assert len(store.journal()) == 1 + len(steps)


def test_no_file_is_ever_overwritten(store: Store, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite3"
    copy.write_text("precious")
    with pytest.raises(StoreError, match="is there already"):
        back_up(store._database, copy, quiet)
    copy.unlink()

    def put_there(*_: int) -> None:
        copy.write_text("precious")

    with pytest.raises(StoreError, match="has come to be meanwhile"):
        back_up(store._database, copy, put_there)
    assert copy.read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_a_disk_without_links(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    copy = tmp_path / "copy.sqlite3"
    back_up(store._database, copy, quiet)
    assert copy.stat().st_size
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_what_cannot_be_written_leaves_nothing(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file or directory"):
        back_up(store._database, tmp_path / "nowhere" / "copy.sqlite3", quiet)


@pytest.mark.usefixtures("kind")
def test_a_damaged_database_has_no_backup(tmp_path: Path, sqlite_template: Path) -> None:
    path = tmp_path / "damaged.db"
    path.write_bytes(sqlite_template.read_bytes())
    with Store(f"sqlite:///{path}") as store:
        fill(store, 200)
    content = bytearray(path.read_bytes())
    content[-4096 * 3 : -4096] = bytes(4096 * 2)
    path.write_bytes(content)
    copy = tmp_path / "copy.sqlite3"
    with Database(f"sqlite:///{path}") as database, pytest.raises(StoreError, match="so would be its backup"):
        back_up(database, copy, quiet)
    assert not copy.exists()
