"""Fuzz for minutes: `python -m tests.sip.fuzzing.coverage [--seconds 600]`, or `make fuzz`.

Guided by coverage with atheris, which lives in an environment of its own in the cache folder, made at the
first run (it needs Python 3.11 or newer, and is no dependency of the project). What breaks something is left
in `finds/`, where the tests play it from then on.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final

VERSION: Final = "3.0.0"
FINDS: Final = Path(__file__).parent / "finds"
WORDS: Final = (
    *("INVITE", "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "REGISTER", "100rel", "timer", "SIP/2.0"),
    *(";tag=", ";branch=z9hG4bK", ";received=", ";rport", ";lr", "Digest ", "urn:service:sos", "a=sendonly"),
)
"""What libFuzzer would need long to find by itself."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.sip.fuzzing.coverage")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--guided", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.guided:
        return _guided(Path(options.guided), options.seconds)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        command = [_environment(), "-m", "tests.sip.fuzzing.coverage"]
        command += ["--seconds", str(options.seconds), "--guided", folder]
        return subprocess.run(command, check=False).returncode


def _environment() -> str:
    """Return the Python that has atheris; make its environment where it is missing."""
    from tests.parts.trees import cache_folder

    folder = cache_folder() / f"atheris-{VERSION}"
    python = folder / "bin" / "python"
    complete = folder / ".complete"
    if not complete.exists():
        venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # pydantic: of `bridge`, hypothesis and pytest: of the modules that the corpus is in.
        subprocess.run([*install, f"atheris=={VERSION}", "pydantic", "hypothesis", "pytest"], check=True)
        complete.touch()
    return str(python)


def _guided(folder: Path, seconds: int) -> int:
    """Run within the environment. folder: for the corpus as it grows."""
    import atheris  # type: ignore  # only that environment has it, and it has no types

    with atheris.instrument_imports(include=["bridge.protocols.sip"]):
        from tests.sip.fuzzing.seeds import seeds
        from tests.sip.fuzzing.story import live_through

    for number, seed in enumerate(seeds()):
        (folder / f"seed-{number}").write_bytes(seed)
    words = folder.with_suffix(".words")
    words.write_text("".join(f'"{word}"\n' for word in WORDS))
    arguments = [sys.argv[0], str(folder), f"-max_total_time={seconds}", "-max_len=8192", "-timeout=10"]
    arguments += [f"-artifact_prefix={FINDS}/", f"-dict={words}", "-rss_limit_mb=1024"]

    def one(data: bytes) -> None:
        live_through(data)

    atheris.Setup(arguments, one)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
