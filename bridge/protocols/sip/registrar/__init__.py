"""The registrar: telephones say where they are (RFC 3261 section 10), sans-IO.

    registrar = Registrar(authenticator, RegistrarSettings())
    answer = registrar.answer(request, flow, now)       # RequestReceived of a REGISTER
    agent.answer(id_, answer.status, fields=answer.fields)
    registrar.contacts("9103", now), registrar.expire(now), registrar.next_expiry
    registrar.snapshot(), registrar.restore(kept)       # what a restart must not forget

`authenticator` knows who somebody is (calls ask it, too), `bindings` what a REGISTER does to the contacts of
one telephone, `supervision` whom to ask by OPTIONS whether it is still there.

Neither Path (RFC 3327) nor outbound (RFC 5626) nor GRUU (RFC 5627) is supported, and a REGISTER that needs
one of them is told so: a call for help must not be sent past a proxy that the way back leads through.
"""

from bridge.protocols.sip.registrar.authenticator import Account, Authenticator, Refusal
from bridge.protocols.sip.registrar.bindings import Binding, Change, Changed
from bridge.protocols.sip.registrar.registrar import Answer, Registrar
from bridge.protocols.sip.registrar.settings import RegistrarSettings
from bridge.protocols.sip.registrar.supervision import Noticed, Supervision, Times

__all__ = [
    "Account",
    "Answer",
    "Authenticator",
    "Binding",
    "Change",
    "Changed",
    "Noticed",
    "Refusal",
    "Registrar",
    "RegistrarSettings",
    "Supervision",
    "Times",
]
