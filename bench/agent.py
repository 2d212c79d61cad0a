"""The peer asterisk-agent (PyPI, 1.1.0) in its AMI mode: a webhook for each event of the kinds it is told.

Its AMI mode imports `requests`, which its `ami` extra does not declare: it is installed beside it, without it
nothing is posted.

    with AsteriskAgent(ami_port=..., webhook_url=...) as agent: ...       # raises PeerError
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final, Self

from bench.environments import PROGRAMS, PeerError, python_of
from tests.parts.processes import Child, PartError

VERSION: Final = "1.1.0"
WANTED: Final = (f"asterisk-agent[ami]=={VERSION}", "requests")


class AsteriskAgent:
    """The peer's process, logged in when `with` begins."""

    def __init__(self, *, ami_port: int, webhook_url: str) -> None:
        self._arguments = [str(ami_port), webhook_url]

    def __enter__(self) -> Self:
        python = python_of(f"asterisk-agent-{VERSION}", WANTED)
        program = PROGRAMS / "with_asterisk_agent.py"
        self._folder = tempfile.TemporaryDirectory(prefix="bench-agent-")
        log_file = Path(self._folder.name) / "agent.log"
        self._child = Child([python, program, *self._arguments], log_file, name="asterisk-agent")
        try:
            self._child.wait_until(lambda: "logged in" in log_file.read_text(), 20, "logged in")
        except PartError as error:
            self.__exit__()
            raise PeerError(str(error)) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._folder.cleanup()

    @property
    def pid(self) -> int:
        return self._child.pid
