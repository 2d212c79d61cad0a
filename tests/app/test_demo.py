"""`sosbridge demo`: runs to its end in under 30 s, and again at once. The installed command itself."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

SOSBRIDGE = Path(sys.executable).with_name("sosbridge")


def sosbridge(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [SOSBRIDGE, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_it_plays_an_sos_to_its_end_twice_in_a_row(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    ids = set()
    for _ in range(2):
        began = time.monotonic()
        done = sosbridge("demo", "--dir", folder)
        assert time.monotonic() - began < 30
        assert (done.returncode, done.stderr) == (0, "")
        told = done.stdout.splitlines()
        assert told[-1] == "done"
        assert any(line.endswith("EAST-03 dialled 9110") for line in told)
        assert any("acknowledged by A. Weber" in line for line in told)
        assert any(line.endswith("closed: what was started is stopped") for line in told)

        [hint] = [line for line in told if line.startswith("Look closer:")]
        command = hint.removeprefix("Look closer:").split()
        assert command[0] == "sosbridge"
        looked = sosbridge(*command[1:], "--json")
        story = json.loads(looked.stdout)
        assert (story["state"], story["acknowledged_by"]) == ("closed", "A. Weber")
        assert {each["state"] for each in story["deliveries"]} <= {"verified", "accepted", "superseded"}
        ids.add(story["id"])
    assert len(ids) == 2


def test_it_deletes_no_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years")
    done = sosbridge("demo", "--dir", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{tmp_path} is not empty and holds no demo: name another with --dir\n"
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]
