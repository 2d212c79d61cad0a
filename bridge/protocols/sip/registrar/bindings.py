"""The contacts of one address of record, and what a REGISTER does to them (RFC 3261 section 10.3). Pure.

Called by `registrar`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.headers.contact import Contact
from bridge.protocols.sip.params import Parameters
from bridge.protocols.sip.uri import Uri, parse_uri
from bridge.protocols.sip.uri_equality import same_uri

REORDERING: Final = 32.0
"""Seconds in which a request may arrive after a later one (64 * T1). A lower CSeq after that is a telephone
that has been rebooted and uses its old Call-ID: refusing it would keep it away until it expires."""


class Change(enum.StrEnum):
    REGISTERED = "registered"
    REFRESHED = "refreshed"
    EXPIRED = "expired"
    UNREGISTERED = "unregistered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Where a telephone is. flow: that it registered on. `expires_at` and `since` are UTC epoch seconds.

    After a restart a TCP or TLS connection is gone, and the telephone reached at `contact`, or not until it
    comes again.
    """

    phone: str
    contact: Uri
    flow: Flow
    expires_at: float
    since: float
    refreshed_at: float
    call_id: str
    cseq: int
    q: float = 1.0
    instance: str = ""

    def as_contact(self, now: float) -> Contact:
        """Return the Contact of a 200 (10.3 step 8)."""
        left = max(0, round(self.expires_at - now))
        params = Parameters((("expires", str(left)),))
        return Contact(self.contact, params=params if self.q == 1.0 else params.with_("q", f"{self.q:g}"))


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of a binding. reason: for people, '' where the change says it all."""

    change: Change
    binding: Binding
    reason: str = ""


class OutOfOrderError(ProtocolError):
    """A REGISTER that was overtaken by a later one: nothing of it counts (10.3 step 7)."""


def merge(
    bindings: Sequence[Binding], wanted: Sequence[Binding], *, most: int, now: float
) -> tuple[tuple[Binding, ...], tuple[Changed, ...]]:
    """Return the bindings after a REGISTER, and what changed.

    wanted: as the request has them; with `expires_at` not after `now` for those to be removed. The oldest
    make room where there would be more than `most`: a telephone that was rebooted comes with a new port, and
    must not be locked out by its own past. Raises OutOfOrderError.
    """
    kept = list(bindings)
    changes: list[Changed] = []
    for binding in wanted:
        old = next((known for known in kept if _is_same(known, binding)), None)
        if old is not None:
            _require_order(old, binding)
            kept.remove(old)
        if binding.expires_at <= now:
            if old is not None:
                changes.append(Changed(Change.UNREGISTERED, old))
        elif old is not None and same_uri(old.contact, binding.contact):
            kept.append(replace(binding, since=old.since))
            changes.append(Changed(Change.REFRESHED, kept[-1]))
        else:
            if old is not None:
                changes.append(Changed(Change.UNREGISTERED, old, "the telephone has a new contact"))
            kept.append(binding)
            changes.append(Changed(Change.REGISTERED, binding))
    kept.sort(key=lambda binding: binding.refreshed_at)
    surplus = max(0, len(kept) - most)
    changes += [Changed(Change.UNREGISTERED, old, "replaced by a newer contact") for old in kept[:surplus]]
    return tuple(kept[surplus:]), tuple(changes)


def remove_all(bindings: Sequence[Binding], *, call_id: str, cseq: int, now: float) -> tuple[Changed, ...]:
    """Return what `Contact: *` changes (10.3 step 6). Raises OutOfOrderError."""
    for binding in bindings:
        _require_order(binding, replace(binding, call_id=call_id, cseq=cseq, refreshed_at=now))
    return tuple(Changed(Change.UNREGISTERED, binding) for binding in bindings)


def _is_same(known: Binding, binding: Binding) -> bool:
    """The same contact, or the same telephone (RFC 5626) at another one."""
    by_instance = bool(binding.instance) and known.instance == binding.instance
    return by_instance or same_uri(known.contact, binding.contact)


def _require_order(old: Binding, new: Binding) -> None:
    overtaken = new.call_id == old.call_id and new.cseq <= old.cseq
    if overtaken and new.refreshed_at - old.refreshed_at < REORDERING:
        raise OutOfOrderError(f"CSeq {new.cseq} after {old.cseq}")


# --- kept over a restart ---------------------------------------------------------------------------------


def to_plain(binding: Binding) -> Mapping[str, Any]:
    """Return a binding as what JSON can hold. No secrets."""
    return {
        "phone": binding.phone,
        "contact": str(binding.contact),
        "flow": [binding.flow.transport, *binding.flow.local, *binding.flow.remote],
        "expires_at": binding.expires_at,
        "since": binding.since,
        "refreshed_at": binding.refreshed_at,
        "call_id": binding.call_id,
        "cseq": binding.cseq,
        "q": binding.q,
        "instance": binding.instance,
    }


def from_plain(kept: Mapping[str, Any]) -> Binding:
    """Return the binding that `to_plain` was given. Raises ProtocolError on anything else."""
    try:
        transport, local_host, local_port, remote_host, remote_port = kept["flow"]
        flow = Flow(str(transport), (str(local_host), int(local_port)), (str(remote_host), int(remote_port)))
        return Binding(
            phone=str(kept["phone"]),
            contact=parse_uri(str(kept["contact"])),
            flow=flow,
            expires_at=float(kept["expires_at"]),
            since=float(kept["since"]),
            refreshed_at=float(kept["refreshed_at"]),
            call_id=str(kept["call_id"]),
            cseq=int(kept["cseq"]),
            q=float(kept["q"]),
            instance=str(kept["instance"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"a kept registration that is none: {error!r}") from error
