"""File -> Site, or every mistake of the file at once. Called by `app.py` and every command."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any, Final

from pydantic import BaseModel

from bridge.config.document import Document, parse
from bridge.config.draft import Draft
from bridge.config.instances import Instance, gather
from bridge.config.problems import Path, Placed, Position, Problem, SiteError, in_order, site_error
from bridge.config.references import find_problems
from bridge.config.sections import FileSection
from bridge.config.site import Site
from bridge.config.validation import validate
from bridge.errors import ConfigError
from bridge.protocols.secret import Secret

MAX_BYTES: Final = 8 * 1024 * 1024


def load(path: str | FilePath, *, secrets: bool = True) -> Site:
    """Read and check the file.

    secrets: also prove that every secret can be read; False for tools that only look at the settings.
    Raises SiteError (a ConfigError) naming every mistake with file:line:column.
    """
    return load_text(_read(FilePath(path)), str(path), secrets=secrets)


def load_text(text: str, name: str = "site.yaml", *, secrets: bool = True) -> Site:
    """Check the text of a file; `name` is what messages call it. Raises SiteError."""
    document = parse(text, name)
    instances, problems = gather(document)
    checked = validate(FileSection, document, ())
    file = checked.model or FileSection()
    draft = Draft(document=document, file=file, instances=tuple(instances), in_file=checked.in_file)
    problems = [*checked.problems, *problems, *find_problems(draft)]
    if secrets:
        problems += _unreadable_secrets(file, instances)
    placed = [*document.problems, *_new(document, problems)]
    if any(found.problem.level == "error" for found in placed) or not (file.site and file.alarm):
        raise site_error(name, placed)
    return Site(
        path=name,
        file=file,
        site=file.site,
        alarm=file.alarm,
        instances=tuple(instances),
        findings=tuple(found.finding(name) for found in in_order(placed)),
    )


def _new(document: Document, problems: list[Problem]) -> Iterator[Placed]:
    """Place the problems; where reading already complained, what follows from it is not said again."""
    unread = {found.problem.path for found in document.problems}
    return (document.place(problem) for problem in problems if problem.path not in unread)


def _read(path: FilePath) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise ConfigError(f"{path}: cannot be read: {reason}") from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path}: is larger than {MAX_BYTES // 2**20} MiB: not a site")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        position = Position(before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1)
        raise site_error(str(path), [Placed(Problem((), "is not UTF-8 text"), position)]) from None


def _unreadable_secrets(file: FileSection, instances: list[Instance]) -> Iterator[Problem]:
    parts: list[tuple[Path, Any]] = [(("store",), file.store)]
    parts += [(instance.path, instance.config) for instance in instances]
    for base, part in parts:
        for path, secret in secrets_in(part, base):
            try:
                secret.resolve()
            except ConfigError as error:
                yield Problem(path, str(error))


def revealed(site: Site) -> list[str]:
    """Return the text of every secret that the site names, read now; what cannot be read is left out."""
    found = []
    for part in (site.file.store, *(instance.config for instance in site.instances)):
        for _, secret in secrets_in(part):
            with contextlib.suppress(ConfigError):  # whoever needs it says why it cannot be read
                found.append(secret.reveal())
    return found


def secrets_in(value: Any, path: Path = ()) -> Iterator[tuple[Path, Secret]]:
    """Yield every secret within a settings object, with its path in the file."""
    if isinstance(value, Secret):
        yield path, value
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from secrets_in(getattr(value, name), (*path, field.alias or name))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for attribute in dataclasses.fields(value):
            yield from secrets_in(getattr(value, attribute.name), (*path, attribute.name))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from secrets_in(item, (*path, str(name)))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from secrets_in(item, (*path, index))


__all__ = ["SiteError", "load", "load_text", "revealed", "secrets_in"]
