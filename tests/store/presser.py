"""A writing process for test_writers.py: `python -m tests.store.presser URL COUNT`.

Says "ready" on stdout and waits for a line on stdin. Then it counts the presses of incident i1 up, one
transaction each, and says the number after each commit.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from bridge.errors import StoreError
from bridge.store import Store
from bridge.store.limits import PATIENT
from tests.store.rows import decision, event, needs


def press(store: Store, name: str) -> int:
    """Read the incident, count one press more, store it with the event that says who pressed."""
    with store.transaction() as transaction:
        incident = transaction.load(needs(incidents={"i1"})).incidents["i1"]
        pressed = replace(incident, pressed=incident.pressed + 1)
        transaction.write([decision(pressed, caused_by=event(key=name))])
    return pressed.pressed


def main(url: str, count: int) -> None:
    with Store(url, limits=PATIENT) as store:
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(count):
            try:
                pressed = press(store, f"{url}/{number}/{id(store)}")
            except StoreError as error:
                sys.exit(str(error))
            print(pressed, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
