"""The `name=value, name="value"` lists of challenges and credentials (RFC 3261 section 20.7, RFC 7616).

Read in one pass, whatever stands there: a pattern that goes back over its input lets one datagram with a long
Authorization freeze the bridge. Called by `challenge` and `credentials`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import QUOTED, TOKEN_CHARS, shorten, unquote

_SCHEME: Final = re.compile(rf"[ \t]*+([{TOKEN_CHARS}]++)(?:[ \t]++(.*+))?+", re.DOTALL)
_PARAMETER: Final = re.compile(
    rf"[ \t]*+([{TOKEN_CHARS}]++)[ \t]*+=[ \t]*+({QUOTED}|[^,\" \t]*+)[ \t]*+(?:,[ \t,]*+|\Z)|(.++)",
    re.DOTALL,
)
"""One parameter with its comma; or else all the rest."""
_MOST: Final = 100


def is_digest(line: str) -> bool:
    """Whether a challenge or credentials are for the Digest scheme."""
    match = _SCHEME.fullmatch(line)
    return match is not None and match[1].lower() == "digest"


def read_digest(line: str) -> Mapping[str, str]:
    """Return the parameters of a Digest challenge or credentials by their names in lower case.

    Raises ProtocolError on another scheme, on what is no parameter, and on a name that stands twice: which
    one the other side means would be a guess.
    """
    match = _SCHEME.fullmatch(line)
    if match is None or match[1].lower() != "digest":
        raise ProtocolError("an authentication scheme that is not Digest")
    found = _PARAMETER.findall(match[2] or "")
    if len(found) > _MOST or (found and found[-1][2]):
        raise ProtocolError("no parameters of a Digest")
    params = {name.lower(): unquote(value) if value[:1] == '"' else value for name, value, _ in found}
    if len(params) < len(found):
        raise ProtocolError(f"a parameter of a Digest stands twice among {shorten(', '.join(params))}")
    return params


def required(params: Mapping[str, str], name: str) -> str:
    """Return a parameter that must be there. Raises ProtocolError."""
    if name not in params:
        raise ProtocolError(f"a Digest without {name}")
    return params[name]
