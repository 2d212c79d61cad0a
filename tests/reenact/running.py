"""Runs `sosbridge replay --speed` as a process that writes down every address and file that it asks for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.replay.logs import FOLDER

ROOT: Final = FOLDER.parent.parent.parent
_WATCHED: Final = """\
import atexit, json, sys
asked = []
def hook(name, arguments):
    if name.startswith("socket.") or name in ("open", "subprocess.Popen"):
        asked.append([name, repr(arguments)])
sys.addaudithook(hook)
atexit.register(lambda: print(json.dumps(asked), file=open(sys.argv[-1], "w")))
from bridge.cli import main
main(["replay", *sys.argv[1:-1]])
"""
"""CPython tells its audit hooks of every connect, name look-up and open, whatever library makes it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An audit event: its name, and its arguments as text."""

    name: str
    arguments: str


def environment(home: Path) -> dict[str, str]:
    """No secret, and no folder of anybody's."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TERM") if name in os.environ}
    return {**kept, "HOME": str(home), "USER": "ann", "LOGNAME": "ann", "TMPDIR": str(home)}


def command_of(*arguments: object, asked: Path) -> list[str]:
    return [sys.executable, "-c", _WATCHED, *map(str, arguments), str(asked)]


@dataclass(frozen=True, slots=True)
class Ran:
    """What it printed, and all that it asked for."""

    code: int
    output: str
    errors: str
    asked: list[Asked]

    def of(self, type_: str) -> list[Mapping[str, Any]]:
        rows = [json.loads(line) for line in self.output.splitlines()]
        return [row for row in rows if row["type"] == type_]


def run(folder: Path, *arguments: object) -> Ran:
    """Run it to its end. folder: an empty one of the test's, which is its home too."""
    asked = folder / "asked"
    done = subprocess.run(
        command_of(*arguments, asked=asked),
        cwd=ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr, read_asked(asked))


def read_asked(file: Path) -> list[Asked]:
    return [Asked(name, arguments) for name, arguments in json.loads(file.read_text())]
