"""Who may read the database but not write it: lists and shows, and is told who may do more."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.store import Database, Lease, Store
from bridge.store.migrate import upgrade
from tests.store.rows import decision, incident, needs

pytestmark = pytest.mark.real("root")
"""Root may write everywhere, so the spectator is nobody: it takes root to become that."""

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
SITE = """\
site: {{name: Plant, timezone: UTC}}
node: bridge-1
state_dir: {folder}
alarm: {{extensions: ["9110"]}}
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that others may enter: each test run closes pytest's own folders, of all runs, to them."""
    with tempfile.TemporaryDirectory(prefix="spectator-") as made:
        yield Path(made)


@pytest.fixture
def site_file(folder: Path) -> Path:
    """A site with one open incident, which everybody may read."""
    with Database(f"sqlite:///{folder}/sosbridge.sqlite3") as database:
        upgrade(database)
    site = folder / "site.yaml"
    site.write_text(SITE.format(folder=folder))
    with _store(folder) as store, store.transaction() as transaction:
        transaction.load(needs())
        transaction.write(
            [decision(incident("4f2a91c3-0000-5000-8000-000000000000"))], Lease(node="bridge-1", now=1.0)
        )
    folder.chmod(0o755)
    for file in folder.iterdir():
        file.chmod(0o644)
    return site


@contextmanager
def _store(folder: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{folder}/sosbridge.sqlite3") as store:
        yield store


def as_nobody(site_file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("sosbridge")), *arguments, "--config", str(site_file)]
    return subprocess.run([*NOBODY, *command], capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("bridge_runs", [False, True])
def test_list_and_show_work(site_file: Path, bridge_runs: bool) -> None:
    with _store(site_file.parent) as store:
        if bridge_runs:  # what is not in the file itself yet must be seen all the same
            with store.transaction() as transaction:
                transaction.load(needs())
                second = incident("5f2a91c3-0000-5000-8000-000000000000", phone="P-99")
                transaction.write([decision(second)], Lease(node="bridge-1", now=2.0))
            for file in site_file.parent.iterdir():
                file.chmod(0o644)
        else:
            store.close()
        listed = as_nobody(site_file, "incidents", "list")
        shown = as_nobody(site_file, "incidents", "show", "4f2a")
    assert (listed.returncode, shown.returncode) == (0, 0), listed.stderr + shown.stderr
    assert "4f2a91c3" in listed.stdout
    assert ("5f2a91c3" in listed.stdout) is bridge_runs
    assert "4f2a91c3" in shown.stdout


@pytest.mark.parametrize("verb", ["acknowledge", "resolve"])
def test_what_writes_says_who_may(site_file: Path, verb: str) -> None:
    done = as_nobody(site_file, "incidents", verb, "4f2a", "--by", "Anna")
    database = site_file.parent / "sosbridge.sqlite3"
    assert done.returncode == 1, done.stderr
    assert done.stderr == (
        f"you may read {database}, but not write it: type the same as the user that the bridge runs as"
        " (sudo -u root ...)\n"
    )


def test_so_does_run(site_file: Path) -> None:
    """Its own folder may be good while the database was made by somebody else."""
    folder = site_file.parent
    state = folder / "state"
    state.mkdir()
    os.chown(state, 65534, 65534)
    text = site_file.read_text().replace(str(folder), str(state))
    site_file.write_text(f"{text}store: {{url: 'sqlite:///{folder}/sosbridge.sqlite3'}}\n")
    done = as_nobody(site_file, "run")
    assert done.returncode == 1
    assert f"you may read {folder}/sosbridge.sqlite3, but not write it" in done.stderr
