"""Proves on this machine that the exchange could run: `sosbridge check`. Harmless beside a running bridge."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from bridge.errors import ConfigError
from bridge.model import Finding
from bridge.protocols.sip_endpoint import Listen
from bridge.triggers.sip.settings import BuiltinMediaSettings, Config, ServerSettings, TrunkSettings


async def check(subject: str, config: Config, state_dir: Path | None) -> list[Finding]:
    """Return what is good and what is wrong, for a person."""
    return await asyncio.to_thread(
        lambda: [
            Finding(level=level, subject=subject, text=text) for level, text in _findings(config, state_dir)
        ]
    )


_Line = tuple[str, str]
"""Level and text."""


def _findings(config: Config, state_dir: Path | None) -> Iterator[_Line]:
    for listen in config.listen:
        yield _can_listen(listen)
    yield from _tls(config)
    for name, place in _places(config):
        yield _known(name, place)
    sounds = _folder(config.sounds, state_dir, "sounds")
    if sounds is not None and not any(sounds.glob("*/*.wav")):
        yield "error", f"{sounds} holds no announcements: run `sosbridge prompts build`"
    recordings = _folder(config.recordings, state_dir, "recordings")
    if config.record and recordings is not None:
        yield _can_write(recordings)
    if any(listen.advertise for listen in config.listen) and not config.media.address:
        yield (
            "warning",
            "`listen.advertise` needs `media.address`: where RTP is to be received",
        )
    if isinstance(config.media, BuiltinMediaSettings) and config.media.address:
        yield _has_address(config.media.address)
    if "MD5" in config.algorithms:
        yield "ok", "telephones may prove themselves by MD5; `algorithms: [SHA-256]` forbids it"


def _folder(named: str, state_dir: Path | None, name: str) -> Path | None:
    """Return a folder of the settings, None where it is below a `state_dir` that nobody said."""
    if named:
        return Path(named)
    return state_dir / name if state_dir else None


def _can_listen(listen: Listen) -> _Line:
    kind = socket.SOCK_DGRAM if listen.transport == "UDP" else socket.SOCK_STREAM
    family = socket.AF_INET6 if listen.address.version == 6 else socket.AF_INET
    where = f"{listen.transport} {listen.host}:{listen.bound_port}"
    with socket.socket(family, kind) as probe:
        try:
            probe.bind((listen.host, listen.bound_port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "ok", f"{where} is in use, by a running bridge as it seems"
            return "error", f"{where} cannot be bound: {error.strerror}"
    return "ok", f"{where} can be bound"


def _tls(config: Config) -> Iterator[_Line]:
    try:
        if any(listen.transport == "TLS" for listen in config.listen):
            config.tls.server_context()
        config.tls.client_context()
    except ConfigError as error:
        yield "error", str(error)
    if not config.tls.verify:
        yield "warning", "TLS believes any certificate (`tls.verify` is off)"


def _places(config: Config) -> Iterator[tuple[str, ServerSettings | TrunkSettings]]:
    yield from config.trunks.items()
    for name, own in config.registrations.items():
        for server in own.servers:
            yield name, server


def _known(name: str, place: ServerSettings | TrunkSettings) -> _Line:
    try:
        socket.getaddrinfo(place.host, place.port)
    except OSError as error:
        return "error", f"{name}: {place.host} is not known: {error.strerror}"
    return "ok", f"{name} is {place.transport} {place.host}:{place.port}"


def _can_write(folder: Path) -> _Line:
    nearest = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    if os.access(nearest, os.W_OK | os.X_OK):
        return "ok", f"recordings go to {folder}"
    return "error", f"{folder} cannot be written: recordings would be lost"


def _has_address(address: str) -> _Line:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            return "error", f"media.address {address} is not one of this machine: {error.strerror}"
    return "ok", f"RTP is received at {address}"
