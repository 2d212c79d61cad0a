"""The configuration as it lies on the disk, read for a reload. Blocks: called on a thread by `app`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from bridge.config import Site, load, revealed
from bridge.errors import ConfigError


def require_same_roots(old: Site, new: Site) -> None:
    """Raise ConfigError where the file changes what a process has from its start to its end."""
    changed = [
        name
        for name, before, after in (
            ("node", old.node, new.node),
            ("state_dir", old.state_dir, new.state_dir),
            ("store", old.file.store, new.file.store),
            ("web", old.file.web, new.file.web),
            ("pbx", _carriers(old), _carriers(new)),
        )
        if before != after
    ]
    if changed:
        raise ConfigError(f"{new.path}: a change of {', '.join(changed)} needs a restart, not a reload")


def _carriers(site: Site) -> list[tuple[str, object]]:
    """The links that carry calls themselves: with other settings they would have to end them."""
    return [(link.name, link.config) for link in site.triggers if link.module.Trigger.carries_calls]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reload found on the disk."""

    site: Site
    secrets: list[str] = field(repr=False)
    hash: str


def read(path: str) -> Reading:
    """Read it all. Blocks for as long as the disk does. Raises ConfigError."""
    site = load(path)
    return Reading(site, revealed(site), hash_of(path))


def hash_of(path: str) -> str:
    """Which file this is, for people who compare two nodes; empty when it is gone already."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
    except OSError:
        return ""
