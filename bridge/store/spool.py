"""The spool: events that the store could not take in time, in an append-only file, until it can.

Called by ingest. One line an event: CRC-32 of the rest, a space, JSON. A line `{"done": N}` says that all
events that end at byte N or before are stored; when every one is, the file is emptied. One process uses it.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import zlib
from collections import deque
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, Self

from bridge.errors import StoreError
from bridge.model import Event
from bridge.store.plain import from_plain, to_plain

FILE_MODE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Spooled:
    """An event that is not in the store yet. mark: what `Spool.done` takes once it is."""

    event: Event
    mark: int


class Spool:
    """A file of events in the order in which they came, and the same in memory. For one thread.

    damaged: how many lines of the file are no event although they were stored as one; they are kept in
    `PATH.damaged`.
    failing: why the last write did not get onto the disk; empty while the spool can be relied on.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged = 0
        self.failing = ""
        self._file: io.FileIO | None = None
        self._waiting: deque[Spooled] = deque()
        self._end = 0

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        """How many events wait."""
        return len(self._waiting)

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._end

    def open(self) -> Self:
        """Create or read the file. Raises StoreError if it cannot be used or another process uses it."""
        self._opened()
        return self

    def close(self) -> None:
        """Close the file. What waits stays in it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def append(self, *events: Event) -> None:
        """Put the events on the disk; they are there when this returns.

        Raises StoreError if they are not for sure: they may be found in the file later all the same.
        """
        file = self._opened()
        lines = [_line({"event": to_plain(event)}) for event in events]
        mark = self._end
        self._write(file, b"".join(lines))
        for event, line in zip(events, lines, strict=True):
            mark += len(line)
            self._waiting.append(Spooled(event, mark))

    def prove(self) -> None:
        """Write something and take it back, so that a disk that takes nothing is known before it is needed.

        Nothing is written while events wait: they have proved it, or said why not. Raises StoreError.
        """
        file = self._opened()
        if not self._waiting:
            self._write(file, _line({"done": 0}))
            self._empty(file)

    def drain(self, limit: int = 100) -> list[Spooled]:
        """Return the oldest events that wait, at most `limit`. They wait on until `done` is told."""
        return list(islice(self._waiting, limit))

    def done(self, mark: int) -> None:
        """Forget the events up to and with the one of this mark: the store has them.

        Raises StoreError; they may then come once more after a restart.
        """
        self._forget(mark)
        file = self._opened()
        if self._waiting:
            self._write(file, _line({"done": mark}))
        else:
            self._empty(file)

    # --- the file -----------------------------------------------------------------------------------

    def _opened(self) -> io.FileIO:
        if self._file is None:
            try:
                self._file = _locked(self.path)
                self._read(self._file)
            except OSError as error:
                self.close()
                raise self._failed("used", error) from error
            except StoreError as error:
                self.failing = str(error)
                raise
        return self._file

    def _read(self, file: io.FileIO) -> None:
        """Find what waits in the file, as a crash may have left it."""
        file.seek(0)
        content = file.readall()
        self._end = len(content)
        if content and not content.endswith(b"\n"):
            # The line that was being written when the power went. The next must not be glued to it.
            self._write(file, b"\n")
            content += b"\n"
        self._waiting.clear()
        damaged: list[bytes] = []
        end = 0
        for line in content.splitlines(keepends=True):
            end += len(line)
            try:
                self._recall(_record(line), end)
            except (ValueError, TypeError, KeyError):
                damaged.append(line)
        self.damaged = len(damaged)
        _put_aside(damaged, self.path.with_name(self.path.name + ".damaged"))
        if content and not self._waiting:
            self._empty(file)

    def _recall(self, record: dict[str, Any], end: int) -> None:
        if "done" in record:
            self._forget(record["done"])
        else:
            self._waiting.append(Spooled(from_plain(Event, record["event"]), end))

    def _forget(self, mark: int) -> None:
        while self._waiting and self._waiting[0].mark <= mark:
            self._waiting.popleft()

    def _write(self, file: io.FileIO, content: bytes) -> None:
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file)
        except OSError as error:
            self._distrust(file)
            raise self._failed("written", error) from error
        self._end += len(content)
        self.failing = ""

    def _empty(self, file: io.FileIO) -> None:
        try:
            file.truncate(0)
            os.fsync(file)
        except OSError as error:
            self._distrust(file)
            raise self._failed("emptied", error) from error
        self._end = 0

    def _failed(self, what: str, error: OSError) -> StoreError:
        self.failing = f"the spool {self.path} cannot be {what}: {error.strerror}"
        return StoreError(self.failing)

    def _distrust(self, file: io.FileIO) -> None:
        """After a failed write or fsync only a new look at the file says what is in it."""
        with contextlib.suppress(OSError):
            file.truncate(self._end)
        with contextlib.suppress(OSError):
            self.close()


def _line(record: dict[str, Any]) -> bytes:
    content = json.dumps(record, separators=(",", ":")).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(content), content)


def _record(line: bytes) -> dict[str, Any]:
    """Return what `_line` was given. Raises ValueError for a damaged line."""
    checksum, _, content = line.removesuffix(b"\n").partition(b" ")
    if int(checksum, 16) != zlib.crc32(content):
        raise ValueError("the checksum does not fit")
    record = json.loads(content)
    if not isinstance(record, dict):
        raise TypeError("not a record")
    return record


def _locked(path: Path) -> io.FileIO:
    """Open the file, creating it, for this process alone. Raises StoreError and OSError."""
    file = io.FileIO(path, "a+", opener=_private)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        sync_folder(path.parent)
    except BlockingIOError:
        file.close()
        raise StoreError(f"the spool {path} is used by another sosbridge on this machine") from None
    except OSError:
        file.close()
        raise
    return file


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)


def sync_folder(folder: Path) -> None:
    """Make a new file's name as durable as what is in it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put_aside(damaged: list[bytes], path: Path) -> None:
    """Keep damaged lines for a person: the spool itself is emptied some day. Raises OSError."""
    if not damaged:
        return
    with io.FileIO(path, "a+", opener=_private) as file:
        file.seek(0)
        known = set(file.readall().splitlines(keepends=True))
        for line in damaged:
            if line not in known:
                file.write(line)
        os.fsync(file)
