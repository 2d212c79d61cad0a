"""Finds what a person names on the command line: a help point. Not a command itself."""

from __future__ import annotations

from bridge.config import Site
from bridge.config.problems import unknown, visible
from bridge.errors import ConfigError
from bridge.model import Phone


def phone_named(site: Site, name: str) -> Phone:
    """Return the phone of that id; else the one with that extension; else the first at that location.

    Raises ConfigError, which says what there is.
    """
    phones = site.plan().phones
    for found in (
        [phone for phone in phones if phone.id == name],
        [phone for phone in phones if phone.extension == name],
        [phone for phone in phones if phone.location == name],
    ):
        if found:
            return found[0]
    if name in site.file.locations:
        raise ConfigError(f"{site.path}: no phone hangs at `{visible(name)}`")
    text = unknown("phone", name, site.file.phones, none=": there are none")
    raise ConfigError(f"{site.path}: {text}")
