"""Signs an outgoing webhook as the Standard Webhooks specification 1.0.0 says (symmetric scheme, `v1`).

Called by the http driver. Source: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from bridge.errors import ConfigError, ProtocolError

PREFIX: Final = "whsec_"
KEY_BYTES: Final = range(24, 65)
"""192 to 512 bits, as the specification demands."""


def parse_key(text: str) -> bytes:
    """Return the key in a serialised secret: base64 of 24 to 64 bytes, after `whsec_`.

    Raises ConfigError, without the secret, if it is none.
    """
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError(f"it is no signing secret: that is {PREFIX} and base64") from None
    if len(key) not in KEY_BYTES:
        raise ConfigError(f"it holds {len(key)} bytes, and a signing secret has 24 to 64")
    return key


def signed_headers(message: str, timestamp: float, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """Return the three headers that prove `body`.

    message: the webhook's own id, the same on every attempt to deliver it.
    timestamp: UTC epoch seconds of this attempt.
    keys: one signature each, so that the receiver may know the old key or the new one.
    Raises ProtocolError for an id with a full stop, which would let another text have the same signature.
    """
    if not message or "." in message:
        raise ProtocolError(f"{message!r} cannot be the id of a webhook: empty, or with a full stop")
    signed = f"{message}.{int(timestamp)}.".encode() + body
    digests = [hmac.digest(key, signed, hashlib.sha256) for key in keys]
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(timestamp)),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests),
    }
