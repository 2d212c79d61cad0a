"""Prompts in memory: encoded once for each law, read again when the file has changed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bridge.protocols.media.child.files import Files
from bridge.protocols.media.child.programme import fill
from bridge.protocols.media.g711 import Law, encode
from bridge.protocols.media.wav import BadWav, read_prompt

MOST_BYTES: Final = 32 * 1024 * 1024
"""Kept; an hour of speech. The least recently played goes first."""
_Key = tuple[str, Law, int, int]


class Prompts:
    """Loads in the thread of `files`. `load` may be called while others are being loaded."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._kept: OrderedDict[_Key, bytes] = OrderedDict()
        self._bytes = 0

    def load(self, names: Sequence[str], law: Law, told: Callable[[list[bytes] | Exception], None]) -> None:
        """Give `told` the encoded files, or what is wrong with the first bad one (BadWav)."""
        if not self._files.submit(lambda: [self._one(Path(name), law) for name in names], told):
            told(BadWav("the disk is too slow: too many prompts wait to be read"))

    def _one(self, file: Path, law: Law) -> bytes:
        """Only the thread of `files` touches what is kept."""
        try:
            state = file.stat()
        except (OSError, ValueError) as error:
            raise BadWav(f"{file}: {getattr(error, 'strerror', None) or error}") from error
        key = (str(file), law, state.st_mtime_ns, state.st_size)
        codes = self._kept.get(key)
        if codes is None:
            codes = self._kept[key] = fill(law, encode(law, read_prompt(file)))
            self._bytes += len(codes)
        self._kept.move_to_end(key)
        while self._bytes > MOST_BYTES and len(self._kept) > 1:
            self._bytes -= len(self._kept.popitem(last=False)[1])
        return codes
