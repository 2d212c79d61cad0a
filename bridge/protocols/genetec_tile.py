"""What GetTile says of a tile. Pure; called by `genetec.py`.

How the answer is written is not in the public documents. The TileContentGroup that DisplayInTile is given is
(WebSDKStudio): where one stands in the answer it is read; anything else that names a camera only shows that
the tile has to do with that camera.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import ParseError, fromstring

from bridge.protocols.genetec_text import guids_in

LIVE: Final = "live"


class Shown(enum.Enum):
    """How a tile shows a camera."""

    LIVE = "live"
    NAMED = "named"
    """The answer names it in a shape that nobody documents: live, played back, or not shown at all."""
    NOT_LIVE = "not live"
    """Played back, or still."""
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class TileContent:
    """words: the whole answer. videos: camera (a GUID in small letters; empty if unreadable) and whether it
    is live, of every picture in the tile; None where the answer is not a TileContentGroup.
    """

    words: str = field(repr=False)
    videos: tuple[tuple[str, bool], ...] | None

    def shown(self, camera: str) -> Shown:
        """How this camera (a GUID in small letters) stands in the tile."""
        if self.videos is None:
            return Shown.NAMED if camera in guids_in(self.words) else Shown.ABSENT
        modes = [live for which, live in self.videos if which == camera]
        if not modes:
            return Shown.ABSENT
        return Shown.LIVE if any(modes) else Shown.NOT_LIVE

    @property
    def live_camera(self) -> str:
        """The camera, where the content is one camera's live picture and nothing else; otherwise empty."""
        match self.videos:
            case ((camera, True),):
                return camera
            case _:
                return ""


NOTHING_TOLD: Final = TileContent("", None)


def read_tile(words: str, texts: Iterable[str]) -> TileContent:
    """words: the whole answer as text; texts: every text in it, of which one may be a TileContentGroup."""
    groups = [group for text in texts if (group := _group(text)) is not None]
    return TileContent(words, tuple(_videos(groups[0])) if len(groups) == 1 else None)


def _group(text: str) -> Element | None:
    if "TileContentGroup" not in text:
        return None
    try:
        root: Element = fromstring(text.strip(), forbid_dtd=True)
    except (ParseError, ValueError):
        return None
    return root if _local(root.tag) == "tilecontentgroup" else None


def _videos(group: Element) -> Iterator[tuple[str, bool]]:
    for node in group.iter():
        if _local(node.tag) == "videocontent":
            said = {_local(name): value for name, value in node.attrib.items()}
            camera = next(iter(guids_in(said.get("camera", ""))), "")
            yield camera, said.get("videomode", "").strip().lower() == LIVE


def _local(name: object) -> str:
    return str(name).rpartition("}")[2].lower()
