"""How fast `sosbridge replay` reads a PBX's logs, and how much memory it takes.

    python -m bench.replay                # about 2 minutes; --rows 100000: a quick look
    python -m bench.replay --memory       # 10 thousand, 1 million and 10 million records: half an hour, 5 GB

A CEL file and an AMI capture of a busy PBX, one call in a hundred an alarm, go through the mapping and the
engine, as on the command line. Beside it the same files go through what one would write instead, none of
which knows what a call is. Who is measured takes turns; the best of each counts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.environments import PeerError, python_of
from bench.figures import load, print_table
from bench.replay_calls import ami_events, cel_rows

ROWS: Final = 1_000_000
ROUNDS: Final = 3
SIZES: Final = (10_000, 1_000_000, 10_000_000)
PANDAS: Final = "3.0.0"
OURS: Final = "**sosbridge**"
PEERS: Final = Path(__file__).with_name("replay_peers.py")

Command = Sequence[str]


@dataclass(frozen=True, slots=True)
class Run:
    """One reading of a file, by a process of its own."""

    records: int
    cpu: float
    """Seconds."""
    megabytes: float
    """Resident at most, the interpreter and what it imports included."""

    @property
    def rate(self) -> float:
        return self.records / self.cpu


@dataclass(frozen=True, slots=True)
class Log:
    """A kind of log. base: the peer that the others are compared with."""

    name: str
    written: Callable[[int], Iterator[bytes]]
    target: int
    """Records a second."""
    base: str
    peers: Sequence[str]


LOGS: Final = (
    Log("CEL", cel_rows, 300_000, "csv_loop", ("csv_loop", "pandas")),
    Log("AMI", ami_events, 200_000, "panoramisk", ("panoramisk", "plain_split")),
)


def write(log: Log, count: int, folder: Path) -> Path:
    path = folder / f"{log.name}-{count}"
    with path.open("wb") as file:
        file.writelines(log.written(count))
    return path


def replay(path: Path) -> Run:
    return _run([sys.executable, "-m", "bench.replay_reader", str(path)])


def peer(name: str, path: Path) -> Run:
    """Raises PeerError."""
    python = python_of(f"pandas-{PANDAS}", [f"pandas=={PANDAS}"]) if name == "pandas" else sys.executable
    return _run([str(python), str(PEERS), name, str(path)])


def _run(command: Command) -> Run:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerError(done.stderr.strip()[-300:])
    said = json.loads(done.stdout)
    return Run(said["records"], said["cpu"], said["megabytes"])


def race(log: Log, count: int, folder: Path) -> Iterable[Sequence[str]]:
    """Yield a line for us and for each peer."""
    path = write(log, count, folder)
    best: dict[str, Run | str] = {}
    for _ in range(ROUNDS):
        for name in (OURS, *log.peers):
            try:
                run = replay(path) if name == OURS else peer(name, path)
            except PeerError as error:
                if name == OURS:
                    raise
                best[name] = f"not installed: {error}"
                continue
            known = best.get(name)
            if not isinstance(known, Run) or run.cpu < known.cpu:
                best[name] = run
    path.unlink()
    base = best[log.base]
    for name, found in best.items():
        if isinstance(found, Run):
            times = f"{found.rate / base.rate:.2f}" if isinstance(base, Run) else "-"
            yield name, f"{found.rate:,.0f}", f"{found.cpu:.2f}", times, f"{found.megabytes:.0f}"
        else:
            yield name, found, "", "", ""


def memory(folder: Path) -> Iterable[Sequence[str]]:
    """Yield a line for each log and size."""
    for log in LOGS:
        for count in SIZES:
            path = write(log, count, folder)
            run = replay(path)
            size = path.stat().st_size / 1e6
            path.unlink()
            yield f"{log.name}, {count:,} records", f"{size:,.0f}", f"{run.megabytes:.0f}", f"{run.rate:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.replay", description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=ROWS, help=f"records of each log ({ROWS:,})")
    parser.add_argument("--memory", action="store_true", help="memory of growing files instead")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="replay-") as name:
        if arguments.memory:
            print_table(
                f"Memory; load average {load()}",
                ("", "MB of the file", "MB resident at most", "records/s"),
                memory(Path(name)),
                "Target: flat.",
            )
            return
        for log in LOGS:
            print_table(
                f"{log.name}, {arguments.rows:,} records; load average {load()}",
                ("", "records/s", "CPU s", f"times {log.base}", "MB resident"),
                race(log, arguments.rows, Path(name)),
                f"Target: {log.target:,} records/s on one core that has nothing else to do.",
            )


if __name__ == "__main__":
    main()
