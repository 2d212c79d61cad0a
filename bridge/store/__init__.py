"""Where events, incidents and what they own are kept: SQLite or PostgreSQL. The only place with SQL.

`Store` is what ingest writes through, `Reader` what people read through, `Spool` where events wait while
the store cannot take them. docs/database.md explains the tables.
"""

from bridge.store.chain import Head
from bridge.store.database import Away, Database, Rejected
from bridge.store.leases import Lease
from bridge.store.limits import Limits
from bridge.store.pruning import DAY, LEAST_DAYS, Cuts, Keep, Pruning
from bridge.store.reading import Counts, Entry, NoSuchIncident, Reader
from bridge.store.spool import Spool, Spooled
from bridge.store.store import Store, Transaction
from bridge.store.thread import StoreThread

__all__ = [
    "DAY",
    "LEAST_DAYS",
    "Away",
    "Counts",
    "Cuts",
    "Database",
    "Entry",
    "Head",
    "Keep",
    "Lease",
    "Limits",
    "NoSuchIncident",
    "Pruning",
    "Reader",
    "Rejected",
    "Spool",
    "Spooled",
    "Store",
    "StoreThread",
    "Transaction",
]
