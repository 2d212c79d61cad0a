"""The store: everything a `Reader` can, and the one way to change what is stored.

Owned by ingest, which calls it on one thread (`thread.StoreThread`); the outbox's leases go the same way,
so that no two transactions of a process wait for each other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence

import sqlalchemy as sa

from bridge.engine import Decision, Needs, State
from bridge.model import Delivery
from bridge.store import leases, loading, writing
from bridge.store.forwarding import Forwarding
from bridge.store.leases import Lease
from bridge.store.pruning import Cuts, Pruning
from bridge.store.reading import Reader


class Transaction:
    """What is read and written in it belongs together: all of it is stored, or nothing."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def load(self, needs: Needs) -> State:
        """Return the state that a batch with these needs is decided on."""
        return loading.load(self._connection, needs)

    def write(
        self,
        decisions: Sequence[Decision],
        lease: Lease | None = None,
        *,
        decided_at: float | None = None,
    ) -> list[Delivery]:
        """Write what the engine decided; duplicates change nothing.

        lease: takes every new delivery for this node in the same commit, so that nothing more has to be
        stored before it is performed, and leaves the node's sign of life (`Reader.last_sign`).
        decided_at: the `now` that `fold` was given; None: the lease's.
        Returns those deliveries, in the order in which they are to start.
        """
        return writing.write(self._connection, decisions, lease, decided_at)


class Store(Reader):
    """One site's database, open for writing. Writers of all nodes follow one another."""

    def require_writable(self) -> None:
        """Raise StoreError, saying what to do, where this user may look at the database and no more."""
        self._database.require_writable()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Load, decide and write; committed at the end of the `with`, undone by any exception.

        Raises StoreError, at the end as well as at the beginning; `Rejected` if the database works but
        refuses these rows.
        """
        with self._database.write() as connection:
            yield Transaction(connection)

    def lease(self, lease: Lease, *, in_hand: Collection[str] = (), limit: int = 1000) -> list[Delivery]:
        """Return what this node is to perform besides what it has; and keep the leases of that.

        That is: what waits for its first attempt, retries that are due, what another node let run out (then
        `doubtful`), and what was leased to this node by a commit whose caller had given up waiting. To be
        called several times in `lease.seconds`.

        in_hand: ids of the deliveries this node has: being performed, waiting for a retry in memory, or
        settled but not yet stored. They are never returned.
        """
        with self._database.write() as connection:
            leases.renew(connection, lease)
            return leases.take(connection, lease, in_hand, limit)

    def recover(self, lease: Lease) -> list[Delivery]:
        """Return what this node had leased when it ended, leased again and `doubtful`. Once, at the start.

        A retry keeps its `next_attempt_at`; the others may start at once.
        """
        with self._database.write() as connection:
            return leases.recover(connection, lease)

    def forwarding(self, name: str, node: str) -> Forwarding:
        """Return the place of the forwarder of this name, for this node."""
        return Forwarding(self._database, name, node)

    def pruning(
        self, cuts: Cuts, *, by: str, now: float, forwarders: Collection[str] | None = None
    ) -> Pruning:
        """Return what takes out the past; see `Pruning`."""
        return Pruning(self._database, cuts, by=by, now=now, forwarders=forwarders)

    def cut(self) -> None:
        """End every wait for a silent server; those transactions fail. From another thread."""
        self._database.cut()
