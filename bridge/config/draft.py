"""A file as far as it can be understood: what the checks of `references` look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bridge.config.document import Document
from bridge.config.instances import Instance
from bridge.config.problems import Path, Problem, unknown
from bridge.config.sections import FileSection


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The settings that are right, beside the document that knows all names and lines."""

    document: Document
    file: FileSection
    instances: tuple[Instance, ...]
    in_file: Callable[[Path], Path]
    """Path in `file` -> path in the document, which may hold more list items."""

    @property
    def drivers(self) -> tuple[Instance, ...]:
        return tuple(instance for instance in self.instances if instance.drives)

    @property
    def driver_names(self) -> list[str]:
        return [driver.name for driver in self.drivers if driver.name]

    def names(self, *path: str) -> list[str]:
        """Return every name of a section, also of entries that have mistakes: those do exist."""
        return self.document.names(*path)

    def line(self, *path: str | int) -> int:
        return self.document.position(self.in_file(path), key=True).line

    def problem(self, path: Path, text: str, *, level: str = "error", key: bool = False) -> Problem:
        """Make a problem at a path in `file`."""
        return Problem(self.in_file(path), text, level=level, key=key)


def each_known(
    draft: Draft, path: Path, names: Iterable[str], what: str, known: list[str]
) -> Iterator[Problem]:
    """Say which of the names in the list at `path` are not among the known ones."""
    for index, name in enumerate(names):
        if name not in known:
            yield draft.problem((*path, index), unknown(what, name, known, none=": there are none"))


def each_once(draft: Draft, path: Path, values: Iterable[str]) -> Iterator[Problem]:
    """Say what stands twice in the list at `path`."""
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield draft.problem((*path, index), f"`{value}` stands twice in this list")
        seen.add(value)


def taken(draft: Draft, section: str, name: str) -> str:
    """Say that something already belongs to the entry `name` of the section."""
    return f"is already used by `{name}` (line {draft.line(section, name)})"
