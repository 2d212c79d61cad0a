"""What one would read a log with instead: `python bench/replay_peers.py NAME FILE`, in a process of its own.

Prints what `bench.replay` compares. Imports nothing of ours: pandas has an environment of its own.
"""

from __future__ import annotations

import csv
import importlib
import json
import resource
import sys
import time
from pathlib import Path

WANTED = frozenset(
    (
        *(b"Newchannel", b"Newstate", b"DialBegin", b"DialEnd", b"BridgeEnter", b"BridgeLeave"),
        *(b"HangupRequest", b"Hangup", b"UserEvent", b"DeviceStateChange"),
    )
)
BLOCK = 1024 * 1024
NEEDS = {"pandas": "pandas", "panoramisk": "panoramisk.message"}


def csv_loop(path: Path) -> int:
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file))


def pandas(path: Path) -> int:
    """Only its own environment has it."""
    return len(importlib.import_module("pandas").read_csv(path, header=None))


def plain_split(path: Path) -> int:
    """Split events, and pick those of wanted kinds. Their headers are not read."""
    count, rest, wanted = 0, b"", []
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            *events, rest = (rest + block).split(b"\r\n\r\n")
            count += len(events)
            wanted = [event for event in events if event[7 : event.find(b"\r")] in WANTED]
    del wanted
    return count


def panoramisk(path: Path) -> int:
    """Parse every event as its client does, and do nothing with it."""
    from panoramisk.message import Message  # noqa: PLC0415  the environment of pandas has it not

    count, rest = 0, ""
    with path.open(encoding="utf-8", newline="") as file:
        while block := file.read(BLOCK):
            *events, rest = (rest + block).split("\r\n\r\n")
            for event in events:
                Message.from_line(event)
            count += len(events)
    return count


if __name__ == "__main__":
    name, file_name = sys.argv[1:]
    loops = {each.__name__: each for each in (csv_loop, pandas, plain_split, panoramisk)}
    if name in NEEDS:
        importlib.import_module(NEEDS[name])  # not a part of reading
    cpu = time.process_time()
    records = loops[name](Path(file_name))
    print(
        json.dumps(
            {
                "records": records,
                "cpu": time.process_time() - cpu,
                "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )
