"""REGISTER in, the answer and what changed out (RFC 3261 section 10.3).

Called by the SIP trigger with what the user agent puts to its application. All times are UTC epoch seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bridge.errors import ConfigError, ProtocolError
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.headers.contact import AllContacts, Contact
from bridge.protocols.sip.headers.sip_date import SipDate
from bridge.protocols.sip.message import MalformedError, Request
from bridge.protocols.sip.registrar.authenticator import Account, Authenticator, Refusal
from bridge.protocols.sip.registrar.bindings import (
    Binding,
    Change,
    Changed,
    OutOfOrderError,
    from_plain,
    merge,
    remove_all,
    to_plain,
)
from bridge.protocols.sip.registrar.settings import RegistrarSettings
from bridge.protocols.sip.uri import SipUri

VERSION: Final = 1

Fields = tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say to a REGISTER, and what it has changed.

    refusal: who was not believed; its `reason` is for the log. unusable: why a password could not be read,
    which is for the people of the site to mend.
    """

    status: int
    fields: Fields = ()
    changed: tuple[Changed, ...] = ()
    refusal: Refusal | None = None
    unusable: str = ""


class Registrar:
    """Owned by one endpoint, called from one thread."""

    def __init__(self, authenticator: Authenticator, settings: RegistrarSettings | None = None) -> None:
        self._authenticator: Final = authenticator
        self._settings: Final = settings or RegistrarSettings()
        self._bindings: Final[dict[str, tuple[Binding, ...]]] = {}

    def answer(self, request: Request, flow: Flow, now: float) -> Answer:
        """Take a REGISTER. One whose fields cannot be read gets 400."""
        try:
            if missing := _unsupported(request):
                return Answer(420, (("Unsupported", ", ".join(missing)),))
            account = self._authenticator.judge(request, now)
            if isinstance(account, Refusal):
                fields = tuple(("WWW-Authenticate", challenge) for challenge in account.challenges)
                return Answer(401, fields, refusal=account)
            # Only who has proved to be somebody learns which addresses there are.
            if not isinstance(request.to.uri, SipUri) or request.to.uri.username != account.address:
                return Answer(403)
            return self._update(request, flow, account, now)
        except ConfigError as error:
            return Answer(500, unusable=str(error))
        except MalformedError:
            return Answer(400)

    def contacts(self, aor: str, now: float) -> tuple[Binding, ...]:
        """Return where the address of record `aor` (a user) is, the preferred and latest first."""
        living = [binding for binding in self._bindings.get(aor, ()) if binding.expires_at > now]
        return tuple(sorted(living, key=lambda binding: (-binding.q, -binding.refreshed_at)))

    @property
    def next_expiry(self) -> float | None:
        """When to call `expire` next, None if nobody is registered."""
        return min((binding.expires_at for binding in self._all()), default=None)

    def expire(self, now: float) -> tuple[Changed, ...]:
        """Remove whose time is up."""
        changes: list[Changed] = []
        for aor, bindings in list(self._bindings.items()):
            over = [binding for binding in bindings if binding.expires_at <= now]
            changes += [Changed(Change.EXPIRED, binding, "it did not register again") for binding in over]
            if over:
                self._keep(aor, [binding for binding in bindings if binding not in over])
        return tuple(changes)

    def snapshot(self) -> Mapping[str, Any]:
        """Return all registrations as what JSON can hold, for `restore` in the next process."""
        plain = {aor: [to_plain(binding) for binding in kept] for aor, kept in self._bindings.items()}
        return {"version": VERSION, "bindings": plain}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Know again who was registered; `expire` tells of those whose time has passed meanwhile.

        Raises ProtocolError on what is no snapshot, and knows nobody then.
        """
        if kept.get("version") != VERSION or not isinstance(kept.get("bindings"), Mapping):
            raise ProtocolError("kept registrations of another version")
        restored = {str(aor): tuple(map(from_plain, plain)) for aor, plain in kept["bindings"].items()}
        self._bindings.clear()
        self._bindings.update(restored)

    # --- within -----------------------------------------------------------------------------------------

    def _update(self, request: Request, flow: Flow, account: Account, now: float) -> Answer:
        contacts = request.contacts
        known = self._bindings.get(account.address, ())
        try:
            if isinstance(contacts, AllContacts):
                if request.expires is None or request.expires.seconds:
                    return Answer(400)
                changed = remove_all(known, call_id=str(request.call_id), cseq=request.cseq.number, now=now)
                kept: tuple[Binding, ...] = ()
            else:
                wanted = [self._binding(contact, request, flow, account, now) for contact in contacts]
                if objection := self._objection(wanted, account, now):
                    return objection
                kept, changed = merge(known, wanted, most=account.contacts, now=now)
        except OutOfOrderError:
            return Answer(500)
        self._keep(account.address, kept)
        return self._ok(account, now, changed)

    def _objection(self, wanted: Sequence[Binding], account: Account, now: float) -> Answer | None:
        if not all(isinstance(binding.contact, SipUri) for binding in wanted):
            return Answer(400)
        lives = [binding.expires_at - now for binding in wanted if binding.expires_at > now]
        if len(lives) > account.contacts:
            return Answer(403)
        if any(life < self._settings.shortest for life in lives):
            return Answer(423, (("Min-Expires", self._settings.shortest),))
        return None

    def _binding(
        self, contact: Contact, request: Request, flow: Flow, account: Account, now: float
    ) -> Binding:
        return Binding(
            phone=account.phone,
            contact=contact.uri,
            flow=flow,
            expires_at=now + self._life(contact, request),
            since=now,
            refreshed_at=now,
            call_id=str(request.call_id),
            cseq=request.cseq.number,
            q=contact.q,
            instance=contact.instance,
        )

    def _life(self, contact: Contact, request: Request) -> int:
        """Return for how many seconds a contact is to be kept (10.2.1.1, 10.3 step 7)."""
        asked = contact.expires
        if asked is None:
            asked = self._settings.usual if request.expires is None else request.expires.seconds
        return min(asked, self._settings.longest)

    def _ok(self, account: Account, now: float, changed: tuple[Changed, ...]) -> Answer:
        bound = self.contacts(account.address, now)
        fields: Fields = tuple(("Contact", binding.as_contact(now)) for binding in bound)
        return Answer(200, (*fields, ("Date", SipDate(int(now)))), changed)

    def _keep(self, aor: str, bindings: Sequence[Binding]) -> None:
        if bindings:
            self._bindings[aor] = tuple(bindings)
        else:
            self._bindings.pop(aor, None)

    def _all(self) -> Iterable[Binding]:
        return (binding for bindings in self._bindings.values() for binding in bindings)


def _unsupported(request: Request) -> list[str]:
    """Return the extensions that a REGISTER cannot do without and we do not have (10.3 step 2)."""
    missing = list(request.require)
    # A Path that we ignored would lead calls past the proxy that put it there.
    if "Path" in request.headers and "path" not in missing:
        missing.append("path")
    return missing
