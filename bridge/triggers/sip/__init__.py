"""The bridge as its own telephone exchange: `type: sip` under `pbx`. See docs/triggers/sip.md.

`trigger` is what the bridge sees, `service` one run of it. `line` has the sockets and the user agent,
`telephones` and `upstream` the registrations in both directions, `callers` says who calls, `ways` where
others are. `switch` joins all that with the pure exchange (`bridge.b2bua`); `studio` has the media, `news`
tells what happens, `keeping` and `restoring` see to what outlives the process.
"""

from bridge.triggers.sip.settings import Config
from bridge.triggers.sip.trigger import Trigger, TriggerStatus

__all__ = ["Config", "Trigger", "TriggerStatus"]
