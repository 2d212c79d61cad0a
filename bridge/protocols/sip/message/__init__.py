"""A SIP message as a value: request or response, its header fields, and the error that says why it is none.

`names` and `fields` hold the raw header fields, `message` reads them as the types of `headers`, `malformed`
and `answers` make the response to what cannot be read, `status` knows the reason phrases.
"""

from bridge.protocols.sip.message.answers import answer_to, respond, stateless_tag
from bridge.protocols.sip.message.fields import Headers
from bridge.protocols.sip.message.malformed import MalformedError
from bridge.protocols.sip.message.message import Message, Request, Response

__all__ = [
    "Headers",
    "MalformedError",
    "Message",
    "Request",
    "Response",
    "answer_to",
    "respond",
    "stateless_tag",
]
