"""The peer asterisk-agent (PyPI, 1.1.0) in its AMI mode: a webhook for each event of the kinds it is told.

It lives in a virtual environment of its own in the cache folder, made at the first run. Its AMI mode imports
`requests`, which its `ami` extra does not declare: it is installed beside it, without it nothing is posted.

    with AsteriskAgent(ami_port=..., webhook_url=...) as agent: ...       # raises PeerError

The process (`python agent.py PORT URL`, with the other environment's Python) starts the package as its own
service does. Its logging stays off, which spares it a few log lines for each event.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final, Self

VERSION: Final = "1.1.0"
EVENT: Final = "Newchannel"
"""The one kind of event that it is told to post: more would only make it slower."""


class PeerError(Exception):
    """The peer cannot run here; the text says why."""


class AsteriskAgent:
    """The peer's process, logged in when `with` begins."""

    def __init__(self, *, ami_port: int, webhook_url: str) -> None:
        self._arguments = [str(ami_port), webhook_url]

    def __enter__(self) -> Self:
        # Not at the top: this file runs in the peer's environment, too.
        from tests.parts.processes import Child, PartError  # noqa: PLC0415

        python = _environment()
        self._folder = tempfile.TemporaryDirectory(prefix="bench-agent-")
        log_file = Path(self._folder.name) / "agent.log"
        self._child = Child([python, __file__, *self._arguments], log_file, name="asterisk-agent")
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


def _environment() -> Path:
    """Return the Python of the peer's virtual environment; make it where it is missing. Raises PeerError."""
    from tests.parts.trees import cache_folder  # noqa: PLC0415  see above

    folder = cache_folder() / f"asterisk-agent-{VERSION}"
    python = folder / "bin" / "python"
    complete = folder / ".complete"
    if not complete.exists():
        venv.create(folder, with_pip=True, clear=True)
        wanted = [f"asterisk-agent[ami]=={VERSION}", "requests"]
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PeerError(f"asterisk-agent cannot be installed: {done.stderr.strip().splitlines()[-1]}")
        complete.touch()
    return python


async def _serve(ami_port: int, webhook_url: str) -> None:
    # Only the peer's environment has it.
    from asterisk_agent import Ami, AmiConfig  # type: ignore[import-not-found]  # noqa: PLC0415

    settings = AmiConfig(
        host="127.0.0.1",
        port=ami_port,
        login="lab",
        password="lab-secret",
        events_ignore=[],
        events_used=[EVENT],
    )
    agent = Ami(settings, api_key_base64="", webhook_url=webhook_url)
    await agent.start_catch_events()
    while not agent.client.authenticated:
        await asyncio.sleep(0.05)
    print("logged in", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2]))
