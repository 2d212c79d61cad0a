"""The WS-Security UsernameToken with a digest of the password (UsernameToken Profile 1.0). Pure.

The password itself is never sent, whatever the camera asks for.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from bridge.protocols.onvif.soap import checked_text
from bridge.protocols.onvif.times import write_time

_OASIS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_SECURITY: Final = f"{_OASIS}wssecurity-secext-1.0.xsd"
_UTILITY: Final = f"{_OASIS}wssecurity-utility-1.0.xsd"
_DIGEST: Final = f"{_OASIS}username-token-profile-1.0#PasswordDigest"
_BASE64: Final = f"{_OASIS}soap-message-security-1.0#Base64Binary"


def username_token(user: str, password: str, *, nonce: bytes, created: float) -> str:
    """Return the Security header. created: UTC epoch seconds by the camera's clock, not ours.

    nonce: unguessable bytes, new for each request. Raises ProtocolError if the user's name cannot be sent.
    """
    moment = write_time(created)
    # SHA-1 is the profile's (3.1); cameras know no other.
    proof = hashlib.sha1(nonce + moment.encode() + password.encode(), usedforsecurity=False).digest()
    return (
        f'<wsse:Security s:mustUnderstand="1" xmlns:wsse="{_SECURITY}" xmlns:wsu="{_UTILITY}">'
        f"<wsse:UsernameToken><wsse:Username>{checked_text(user)}</wsse:Username>"
        f'<wsse:Password Type="{_DIGEST}">{_base64(proof)}</wsse:Password>'
        f'<wsse:Nonce EncodingType="{_BASE64}">{_base64(nonce)}</wsse:Nonce>'
        f"<wsu:Created>{moment}</wsu:Created></wsse:UsernameToken></wsse:Security>"
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
