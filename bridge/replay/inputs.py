"""The files of a replay, read in blocks: plain or gzip, a folder, or stdin. `choice` says which are read."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from bridge.errors import ConfigError
from bridge.replay.trouble import Troubles, excerpt

BLOCK: Final = 256 * 1024
"""Bytes read at a time."""
HEAD: Final = 64 * 1024
"""Bytes of a file's beginning by which its format, its age and a second copy of it are known."""
LONGEST_LINE: Final = 1024 * 1024
STDIN: Final = "-"
_GZIP: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"
"""Editors of Windows put it before UTF-8 text."""
_DAMAGES: Final = (OSError, EOFError, zlib.error)


class Source:
    """One open log. head: its beginning, which `blocks` gives again.

    done: bytes read of the file as it lies on the disk, for a progress bar. size: of the same, 0 if unknown.
    """

    def __init__(self, name: str, raw: BinaryIO, size: int = 0) -> None:
        self.name = name
        self.size = size
        self._raw = raw
        start = _peek(raw)
        self._packed = gzip.GzipFile(fileobj=raw) if start.startswith(_GZIP) else None
        self._damage: Exception | None = None
        self.head = self._take(HEAD).removeprefix(_BOM)

    @property
    def done(self) -> int:
        try:
            return self._raw.tell()
        except (OSError, ValueError):
            return 0

    def blocks(self, troubles: Troubles) -> Iterator[bytes]:
        """Yield the content. What is damaged in the packing is noted, and ends the file."""
        yield self.head
        while True:
            try:
                block = self._take(BLOCK)
            except _DAMAGES as error:
                what = "the packed file is damaged" if self._packed else "the file cannot be read"
                troubles.note(self.name, 0, f"{what} from here on", str(error))
                return
            if not block:
                return
            yield block

    def _take(self, size: int) -> bytes:
        """Read so much, or what there is. Raises what `_DAMAGES` names, behind all that is whole."""
        if self._damage is not None:
            raise self._damage
        if self._packed is None:
            return self._raw.read(size)
        parts: list[bytes] = []
        try:
            while size > 0 and (part := self._packed.read1(size)):
                parts.append(part)
                size -= len(part)
        except _DAMAGES as error:
            self._damage = error
            if not parts:
                raise
        return b"".join(parts)

    def texts(self, troubles: Troubles) -> Iterator[tuple[int, bytes]]:
        """Yield (number of the first line, lines with an LF between them). What is no line is noted."""
        rest, number = b"", 1
        skipping = False
        for block in self.blocks(troubles):
            text, end, rest = (rest + block).rpartition(b"\n")
            if skipping and end:
                _, end, text = text.partition(b"\n")
                number += 1
                skipping = False
            if end:
                yield from self._without_nul(number, text, troubles)
                number += text.count(b"\n") + 1
            if len(rest) > LONGEST_LINE:
                if not skipping:
                    troubles.note(self.name, number, "a line without an end")
                skipping, rest = True, b""
        if rest and not skipping:
            yield from self._without_nul(number, rest, troubles)

    def _without_nul(self, number: int, text: bytes, troubles: Troubles) -> Iterator[tuple[int, bytes]]:
        """A disk that was full, or a crash, leaves NUL bytes: no record has any."""
        if b"\0" not in text:
            yield number, text
            return
        good: list[bytes] = []
        for at, line in enumerate(text.split(b"\n"), number):
            if b"\0" not in line:
                good.append(line)
                continue
            troubles.note(self.name, at, "a NUL byte", excerpt(line))
            if good:
                yield at - len(good), b"\n".join(good)
            good = []
        if good:
            yield number + text.count(b"\n") + 1 - len(good), b"\n".join(good)

    def close(self) -> None:
        if self._packed is not None:
            self._packed.close()
        self._raw.close()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a log lies, before it is opened."""

    name: str
    open: Callable[[], BinaryIO]
    size: int = 0
    path: Path | None = None
    """None: standard input or a pipe, which can be opened only once."""
    asked_for: bool = True
    """By its own name; False where a folder holds it."""


def places(paths: Sequence[str]) -> list[Place]:
    """Return the files that these paths mean, folders with all they hold. Raises ConfigError."""
    found: list[Place] = []
    for path in dict.fromkeys(paths):
        if path == STDIN:
            found.append(Place("stdin", lambda: sys.stdin.buffer))
            continue
        try:
            found += _places_at(Path(path))
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror or error}") from None
    return found


def _places_at(path: Path) -> Iterator[Place]:
    if path.is_dir():
        inside = sorted(each for each in path.rglob("*") if each.is_file())
        if not inside:
            raise ConfigError(f"{path}: the folder holds no file")
        for each in inside:
            yield Place(str(each), _opener(each), each.stat().st_size, each, asked_for=False)
    elif path.is_file():
        yield Place(str(path), _opener(path), path.stat().st_size, path)
    elif path.exists():  # a pipe: `<(zcat ...)`
        yield Place(str(path), _opener(path))
    else:
        raise ConfigError(f"{path}: no such file or folder")


def _opener(path: Path) -> Callable[[], BinaryIO]:
    return lambda: path.open("rb")


def opened(place: Place, troubles: Troubles) -> Source | None:
    """Open it; what cannot be read is noted."""
    try:
        raw = place.open()
    except OSError as error:
        troubles.note(place.name, 0, "cannot be read", str(error))
        return None
    # A pipe can be looked into, too, without losing its beginning.
    readable = raw if hasattr(raw, "peek") else io.BufferedReader(raw)  # type: ignore[type-var]
    try:
        return Source(place.name, readable, place.size)
    except _DAMAGES as error:
        readable.close()
        troubles.note(place.name, 0, "cannot be read", str(error))
        return None


def _peek(raw: BinaryIO) -> bytes:
    return raw.peek(2)[:2] if isinstance(raw, io.BufferedReader) else b""
