"""Calls that are no alarm: one phone or console of the site calls another. Used by `exchange`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bridge.b2bua.inputs import Offered
from bridge.b2bua.legs import Legs
from bridge.b2bua.state import Leg, Role, Routine, State

_PASSED_ON: Final[Mapping[int, int]] = MappingProxyType({486: 486, 600: 486, 603: 603})
"""What the called device's refusal is to the caller; anything else is 480."""


class RoutineCalls:
    def __init__(self, state: State, legs: Legs) -> None:
        self._state, self._legs = state, legs

    def offered(self, offer: Offered) -> None:
        """Ring whom the extension belongs to. Who is not of this site may only call for help."""
        site = self._state.site
        name = self._state.name()
        phone = site.phone_at(offer.endpoint, offer.caller)
        caller = self._legs.offered(offer, Role.CALLER, name, offer.dialled, phone.id if phone else "")
        target = site.target(offer.dialled)
        if offer.endpoint not in site.endpoints:
            self._legs.reject(caller, 403)
        elif target is None:
            self._legs.reject(caller, 404)
        elif target.callback == "never":  # a phone that must not ring
            self._legs.reject(caller, 403)
        elif target.endpoint == offer.endpoint and not target.number:
            self._legs.reject(caller, 486)
        else:
            callee = self._legs.dial(
                target,
                Role.CALLEE,
                name,
                caller.uniqueid,
                caller=offer.caller,
                name=offer.name,
                on_behalf_of=caller.id,
            )
            if callee is not None:
                self._state.routines[name] = Routine(name, caller.id, callee.id)
                self._state.set_timer("routine", name, self._state.settings.provisional)

    def arrived(self, routine: Routine, *, ringing: bool) -> None:
        """The called device said anything at all, or that it rings."""
        callee = self._state.legs[routine.callee]
        if not callee.arrived:
            callee.arrived = True
            self._state.set_timer("routine", routine.id, self._state.settings.routine_ring)
        if ringing and not routine.ringing:
            routine.ringing = True
            self._legs.ring(self._state.legs[routine.caller])

    def answered(self, routine: Routine) -> None:
        self._state.clear_timer("routine", routine.id)
        caller, callee = self._state.legs[routine.caller], self._state.legs[routine.callee]
        self._legs.answer(caller)
        self._legs.join(caller, callee)

    def refused(self, routine: Routine, status: int) -> None:
        caller = self._state.legs[routine.caller]
        self._forget(routine)
        self._legs.reject(caller, _PASSED_ON.get(status, 480))

    def due(self, routine: Routine) -> None:
        self._legs.drop(self._state.legs[routine.callee], "not answered")
        self.refused(routine, 480)

    def gone(self, routine: Routine, leg: Leg) -> None:
        """One side ended it: so does the other."""
        other = self._state.legs[routine.callee if leg.id == routine.caller else routine.caller]
        self._forget(routine)
        if other.incoming and not other.accepted:
            self._legs.reject(other, 480)
        else:
            self._legs.drop(other, "the other side hung up")

    def _forget(self, routine: Routine) -> None:
        self._state.clear_timer("routine", routine.id)
        del self._state.routines[routine.id]
