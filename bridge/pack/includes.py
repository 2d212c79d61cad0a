"""Where on the PBX each file of the pack is included, for a person. Said by `sosbridge asterisk render`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from bridge.pack.render import ARI_FILE, SECRET_FILES

INCLUDES: Final = (
    ("extensions.conf, in [globals]", "globals.conf"),
    ("extensions.conf, at the end", "alarm.conf"),
    ("", "dispatch.conf"),
    ("", "notify.conf"),
    ("", "heartbeat.conf"),
    ("manager.conf, at the end", "manager.conf"),
    ("ari.conf, at the end", "ari.conf"),
    ("musiconhold.conf, at the end", "musiconhold.conf"),
    ("pjsip.conf, before the endpoints", "pjsip.conf"),
)
"""Place on the PBX ('': as the line before) -> the file of the pack that is included there."""
_LAST_OF_DIALPLAN: Final = "heartbeat.conf"


def what_to_do(out: Path, names: Collection[str]) -> str:
    """Say what an administrator does with the files of these names in the folder `out`."""
    return "\n".join(_lines(out, names))


def _lines(out: Path, names: Collection[str]) -> Iterator[str]:
    yield f"Copy {out} to the PBX as /etc/asterisk/sosbridge, and include its files:"
    for place, name in INCLUDES:
        if name in names:
            yield f'  {place:<33}  #tryinclude "sosbridge/{name}"'
        if name == _LAST_OF_DIALPLAN:
            yield f"  {'the context of the help points':<33}  include => sos-alarm"
    secret = [name for name in names if name in SECRET_FILES]
    yield (
        f"{' and '.join(secret)} {'holds' if len(secret) == 1 else 'hold'} secrets: chmod 640, owned by"
        " Asterisk's user. (FreePBX: docs/asterisk/freepbx.md)"
    )
    if ARI_FILE in names:
        yield "ARI needs http.conf: `enabled = yes`, and TLS (docs/triggers/ari.md)."
    yield "Then, on the PBX:  asterisk -rx 'core reload'; here:  sosbridge asterisk check"
