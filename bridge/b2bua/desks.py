"""Dispatchers' telephones: each a desk that serves one SOS at a time, with a line. Used by `ringing`."""

from __future__ import annotations

from bridge.b2bua.state import Desk, State, Turn


class Desks:
    """Lines are first come, first served; an SOS that is over comes after all that are not.

    Who rings people in sequence may stand in several of them.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def take(self, turn: Turn) -> bool:
        """Take the telephone and leave all lines; or, where another has it, stand in its line."""
        desk = self._state.desks.setdefault(turn.endpoint, Desk())
        if desk.turn:
            desk.queue.setdefault(turn.id)
            return False
        desk.turn = turn.id
        self._leave_lines(turn)
        return True

    def waiting(self, turn: Turn) -> int:
        """Count the other SOS in line for this telephone; of one, a notification may stand there as well.

        Those that are over are not counted: nobody waits for help there.
        """
        alarms = {self._state.turns[id_].alarm for id_ in self._state.desks[turn.endpoint].queue}
        return sum(not self._state.alarms[alarm].missed for alarm in alarms - {turn.alarm})

    def leave(self, turn: Turn) -> None:
        """Give the telephone back, or the places in line."""
        self._leave_lines(turn)
        desk = self._state.desks.get(turn.endpoint)
        if desk is not None and desk.turn == turn.id:
            desk.turn = ""

    def following(self, endpoint: str) -> Turn | None:
        """Return who is the next to ring this telephone, not in line any more; None if nobody is."""
        desk = self._state.desks.get(endpoint)
        if desk is None or desk.turn:
            return None
        if not desk.queue:
            del self._state.desks[endpoint]
            return None
        turn = min(map(self._state.turns.__getitem__, desk.queue), key=self._is_past)
        del desk.queue[turn.id]
        turn.index = turn.people.index(endpoint)
        return turn

    def _is_past(self, turn: Turn) -> bool:
        return bool(self._state.alarms[turn.alarm].missed)

    def _leave_lines(self, turn: Turn) -> None:
        for person in turn.people:
            if (desk := self._state.desks.get(person)) is not None:
                desk.queue.pop(turn.id, None)
