"""The longest names that the door lets through fit both databases, index and all."""

from __future__ import annotations

import random

from bridge.response.bounds import LONGEST
from bridge.store import Store
from tests.store.rows import call, decision, event, fault, incident, needs


def test_the_longest_names_can_be_stored(store: Store) -> None:
    """Of characters of four bytes each, in an order that no compression shortens."""
    pieces = random.Random(7)
    long = "".join(chr(pieces.randrange(0x20000, 0x2A000)) for _ in range(LONGEST))
    opened = incident("i1", phone=long)
    made = decision(
        opened,
        call(of=opened.id, key=long, endpoint=long, caller=long, dialled=long),
        fault(subject=long, what="unknown_phone"),
        caused_by=event(key=long, endpoint=long, caller=long, dialled=long),
    )
    with store.transaction() as transaction:
        transaction.load(needs())
        transaction.write([made])
    assert [found.phone for found in store.incidents()] == [long]
    assert [found.subject for found in store.faults()] == [long]
