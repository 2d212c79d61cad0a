"""When each SOS was committed at the latest, told from what is stored. Pure.

The store keeps when a transaction decided, not when its commit was through. But a request starts only after
the commit that holds it, and the next transaction begins only after the commit before it: the earlier of the
two is a moment by which the commit was done.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from bench.sosbridge import Stored


def committed_by(stored: Sequence[Stored]) -> list[tuple[Stored, float]]:
    """Return each SOS with the latest moment of its commit (UTC epoch seconds), in order of decision.

    What one transaction decided has the same `decided_at`.
    """
    transactions: defaultdict[float, list[Stored]] = defaultdict(list)
    for sos in stored:
        transactions[sos.decided_at].append(sos)
    found = []
    for begun, next_begun in pairwise([*sorted(transactions), math.inf]):
        together = transactions[begun]
        at = min(next_begun, *(sos.started_at for sos in together))
        found += [(sos, at) for sos in together]
    return found
