"""Virtual environments of the Python peers, in the cache folder, made at the first run."""

from __future__ import annotations

import subprocess
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.parts.trees import cache_folder

PROGRAMS: Final = Path(__file__).with_name("peers")


class PeerError(Exception):
    """The peer cannot run here; the text says why."""


def python_of(name: str, wanted: Sequence[str]) -> Path:
    """Return the Python of the environment `name`; make it, with the packages `wanted`, where it is missing.

    Raises PeerError.
    """
    folder = cache_folder() / name
    python = folder / "bin" / "python"
    complete = folder / ".complete"
    if not complete.exists():
        venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PeerError(f"{' and '.join(wanted)} cannot be installed: {done.stderr.strip()[-200:]}")
        complete.touch()
    return python
