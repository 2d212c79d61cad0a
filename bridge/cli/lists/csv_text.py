"""CSV as spreadsheets write it -> rows with their lines, and back.

Separated by comma, semicolon or tab, whichever the first line has most of; in UTF-8, in UTF-16 with its mark,
or else in Windows-1252, which is what a spreadsheet without a choice writes. RFC 4180 otherwise.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.config.problems import unknown
from bridge.errors import ConfigError

SEPARATORS: Final = (",", ";", "\t")
MAX_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file. `line` counts from 1; a cell that is empty or missing is not in `cells`."""

    line: int
    cells: Mapping[str, str]


class Mistakes:
    """Everything that is wrong with a file, told at once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines: list[tuple[int, str]] = []

    def add(self, line: int, text: str) -> None:
        self._lines.append((line, text))

    def refuse(self) -> None:
        """Raise ConfigError if there is anything to say."""
        if self._lines:
            told = (f"{self._name}:{line}: {text}" for line, text in sorted(self._lines))
            raise ConfigError("\n".join(told))


def read_rows(path: Path, columns: Sequence[str], *, others: bool = False) -> list[Row]:
    """Read the file. columns: the headings that are known; others: whether more may stand there.

    Raises ConfigError where it cannot be read, is no text, or has a heading that is not known.
    """
    text = decode(_read(path), str(path))
    heading = text.split("\n", 1)[0]
    separator = max(SEPARATORS, key=heading.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, names = [], None
    mistakes = Mistakes(str(path))
    line = 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if names is None:
                names = _names(stripped, columns, mistakes, others=others)
            elif len(cells) > len(names):
                mistakes.add(line, f"has {len(cells)} cells, the first line has {len(names)}")
            elif any(stripped):
                filled = {name: cell for name, cell in zip(names, stripped, strict=False) if cell}
                rows.append(Row(line, filled))
            line = reader.line_num + 1
    except csv.Error as error:
        mistakes.add(line, f"is no CSV: {error}")
    mistakes.refuse()
    if not rows:
        raise ConfigError(f"{path}: holds no rows below its headings")
    return rows


def write_rows(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """Return the CSV: UTF-8 text, commas, CRLF."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def decode(content: bytes, name: str) -> str:
    """Return the text. Raises ConfigError where it is none that is known here."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings: Sequence[str] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
    raise ConfigError(f"{name}: is no text (UTF-8, UTF-16 or Windows-1252)")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path}: is larger than {MAX_BYTES // 2**20} MiB")
    return content


def _names(heading: Sequence[str], columns: Sequence[str], mistakes: Mistakes, *, others: bool) -> list[str]:
    names: list[str] = []
    for cell in heading:
        name = cell if others and cell.lower() not in columns else cell.lower()
        if name not in columns and not others:
            mistakes.add(1, unknown("column", cell, columns))
        if name in names:
            mistakes.add(1, f"column `{name}` stands twice")
        names.append(name)
    return names
