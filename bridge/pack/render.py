"""The pack's files, rendered from `asterisk/*.j2`, and the hash that tells whether a PBX has loaded them.

Called by `sosbridge asterisk render` and `check`; the PBX link compares the hash at each reload.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import jinja2

from bridge.errors import ConfigError
from bridge.pack.facts import PackFacts, Person
from bridge.resources import shared_folder

FILES: Final = (
    "globals.conf",
    "alarm.conf",
    "dispatch.conf",
    "notify.conf",
    "heartbeat.conf",
    "manager.conf",
    "musiconhold.conf",
    "pjsip.conf",
)
AMI_FILE: Final = "manager.conf"
"""Not where the site has no account of AMI."""
ARI_FILE: Final = "ari.conf"
"""Only where the site has a user of ARI."""
SECRET_FILES: Final = frozenset({AMI_FILE, ARI_FILE})
_UNSAFE_IN_CONF: Final = re.compile(r"[\x00-\x1f\x7f;\\]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Change:
    """What rendering did to one file: lines that came and went against what was there."""

    name: str
    new: bool
    added: int
    removed: int

    @property
    def unchanged(self) -> bool:
        return not (self.new or self.added or self.removed)


def render(facts: PackFacts, out_dir: Path) -> list[Change]:
    """Write the pack into `out_dir` and return what changed there, a line a file.

    Raises ConfigError where the site cannot be put into a dialplan, or the folder cannot be written.
    """
    texts = render_texts(facts)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        return [_write(out_dir / name, text) for name, text in texts.items()]
    except OSError as error:
        raise ConfigError(f"{error.filename or out_dir}: {error.strerror}") from error


def render_texts(facts: PackFacts) -> dict[str, str]:
    """Return file name -> text."""
    _check(facts)
    return _texts(facts, pack_hash(facts))


def pack_hash(facts: PackFacts) -> str:
    """Return the hash of everything rendered except the secrets: 32 hex digits (of SHA-256)."""
    bare = replace(
        facts,
        accounts=tuple(replace(account, secret=None) for account in facts.accounts),
        ari_users=tuple(replace(user, secret=None) for user in facts.ari_users),
    )
    digest = hashlib.sha256()
    for name, text in _texts(bare, "").items():
        digest.update(f"{name}\0{text}\0".encode())
    return digest.hexdigest()[:32]


def _texts(facts: PackFacts, digest: str) -> dict[str, str]:
    templates = _environment()
    values = {"facts": facts, "pack_hash": digest}
    return {name: _rendered(templates, name, values) for name in _names(facts)}


def _rendered(templates: jinja2.Environment, name: str, values: Mapping[str, Any]) -> str:
    """Raises ConfigError for a template of another version, as between an upgrade and the restart."""
    try:
        return templates.get_template(f"{name}.j2").render(values)
    except jinja2.TemplateError as error:
        raise ConfigError(
            f"{name}.j2 does not fit this version of the bridge ({error}): restart it after an upgrade"
        ) from error


def _names(facts: PackFacts) -> Iterator[str]:
    yield from (name for name in FILES if name != AMI_FILE or facts.accounts)
    if facts.ari_users:
        yield ARI_FILE


@cache
def _environment() -> jinja2.Environment:
    """Delimiters that dialplan does not use, so that the templates read like the files they become."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(shared_folder("asterisk")),
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  # configuration files, not HTML; `_check` refuses what could break out
    )
    environment.filters["seconds"] = _seconds
    environment.globals.update(legs=_legs, tier_legs=_tier_legs, caller_class=caller_class)
    return environment


def caller_class(facts: PackFacts, language: str) -> str:
    """Return the music-on-hold class of what a caller hears who is spoken to in `language`."""
    return "sos-caller" if language == facts.language else f"sos-caller-{language}"


def _seconds(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _legs(people: Iterable[Person], context: str) -> str:
    return "&".join(f"Local/*{person.key}@{context}/n" for person in people)


def _tier_legs(tier: Iterable[Person], loop: Any) -> str:
    """Return the legs of a tier; the last is the next tier, which waits for its own time."""
    own = _legs(tier, "sos-leg")
    return own if loop.last else f"{own}&Local/*{loop.index + 1}@sos-tier/n"


# --- what must not get into a configuration file ----------------------------------------------------


def _check(facts: PackFacts) -> None:
    if not facts.tiers:
        raise ConfigError("the dialplan pack needs at least one dispatch group: nobody would be rung")
    for extension in facts.alarm_extensions:
        if extension.lower().startswith("h"):
            raise ConfigError(
                f"alarm extension {extension}: Asterisk keeps `h` for itself; begin it with another character"
            )
    _check_secrets(facts)
    if _holds_control(asdict(facts)):
        raise ConfigError("a text of the site holds a control character, which no file of the pack can hold")
    _check_keys(facts)


def _check_secrets(facts: PackFacts) -> None:
    ami = [("AMI account", AMI_FILE, each.username, each.secret) for each in facts.accounts]
    ari = [("ARI user", ARI_FILE, each.username, each.secret) for each in facts.ari_users]
    for what, file, name, secret in (*ami, *ari):
        if secret and _UNSAFE_IN_CONF.search(secret):
            raise ConfigError(
                f"the secret of {what} {name} holds a semicolon, a backslash or a control"
                f" character, which {file} cannot hold: choose another"
            )
    if len({name for _, _, name, _ in ari}) < len(ari):
        raise ConfigError(
            "the link that watches over ARI and `dispatch.ari` have the same user"
            f" {facts.ari_users[0].username}: give each its own, for the watcher needs no rights"
        )


def _holds_control(value: object) -> bool:
    """Whether any text in plain facts could begin a line of its own in a file, or end one."""
    match value:
        case str():
            return _CONTROL.search(value) is not None
        case Mapping():
            return any(_holds_control(each) for each in value.values())
        case tuple() | list():
            return any(_holds_control(each) for each in value)
    return False


def _check_keys(facts: PackFacts) -> None:
    """Two phones that the dialplan could not tell apart would be one."""
    seen: dict[tuple[str, str], str] = {}
    for phone in facts.phones:
        known_by = (phone.endpoint, phone.number if phone.shared else "")
        if first := seen.get(known_by):
            raise ConfigError(f"phones {first} and {phone.id} have the same endpoint {phone.endpoint}")
        seen[known_by] = phone.id


# --- writing ----------------------------------------------------------------------------------------


def _write(path: Path, text: str) -> Change:
    before = path.read_text() if path.exists() else None
    lines = list(difflib.ndiff((before or "").splitlines(), text.splitlines()))
    change = Change(
        path.name,
        before is None,
        sum(line.startswith("+ ") for line in lines),
        sum(line.startswith("- ") for line in lines),
    )
    if before != text:
        mode = 0o600 if path.name in SECRET_FILES else 0o644
        scratch = path.with_name(f".{path.name}.new")
        scratch.unlink(missing_ok=True)
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
            file.write(text)
        os.replace(scratch, path)
    return change
