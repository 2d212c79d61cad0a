"""The standalone exchange: the dialplan of our own SIP user agent, for sites without a PBX. Pure.

The counterpart of the dialplan pack in `asterisk/`: it rings consoles and dispatch, lets the 1 acknowledge,
calls back, and is watched like a PBX by the facts it tells. `inputs` come in, `effects` go out; the shell
around it owns sockets, media and the clock. Inside: `alarms` (with `stages`, `hearing`, `partings`,
`callback`) is an SOS, `ringing` (with `turns`, `desks`) who is rung for it, `commands` the bridge's wishes,
`routine` all other calls, `legs` a single call.
"""

from bridge.b2bua.exchange import Exchange
from bridge.b2bua.settings import Settings
from bridge.b2bua.site import Group, Person, Site

__all__ = ["Exchange", "Group", "Person", "Settings", "Site"]
