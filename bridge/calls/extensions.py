"""Dialled numbers and Asterisk's patterns for them. Used by response and config."""

import re
from functools import lru_cache

_CLASSES = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", ".": ".+", "!": ".*"}


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    if not pattern.startswith("_"):
        return re.compile(re.escape(pattern))
    parts = re.findall(r"\[[^\]]*\]|.", pattern[1:])
    return re.compile(
        "".join(_CLASSES.get(p.upper(), p if p.startswith("[") else re.escape(p)) for p in parts)
    )


def extension_matches(pattern: str, extension: str) -> bool:
    """Whether `extension` is `pattern`, or fits it where it is an Asterisk pattern (`_911X`)."""
    return _compiled(pattern).fullmatch(extension) is not None
