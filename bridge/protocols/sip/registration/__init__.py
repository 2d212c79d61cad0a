"""The bridge as an extension of a PBX: kept registered, moved to a second one (RFC 3261 section 10.2).

    registration = Registration(account, servers, call_ids=..., chance=random.random)
    for effect in registration.start(): ...             # see `effects` for what to do with each
    registration.answered(effect, request, response)    # RequestAnswered of the user agent
    registration.failed(effect, "no route")             # or nobody answered
    registration.fired(timer)                           # what `Wait` asked for

Sans-IO. The user agent answers the challenges; called by the SIP trigger.
"""

from bridge.protocols.sip.registration.effects import (
    Due,
    Effect,
    Lost,
    Register,
    Registered,
    Stopped,
    StopWaiting,
    Wait,
)
from bridge.protocols.sip.registration.registration import Registration
from bridge.protocols.sip.registration.settings import Account, Server, Times

__all__ = [
    "Account",
    "Due",
    "Effect",
    "Lost",
    "Register",
    "Registered",
    "Registration",
    "Server",
    "StopWaiting",
    "Stopped",
    "Times",
    "Wait",
]
