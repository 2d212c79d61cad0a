"""A password that the configuration names but never contains.

Drivers, triggers and the store declare a field `password: Secret` in their pydantic model; the YAML
says where it lies: `{env: NAME}`, `{file: /path}` or `{credential: name}` (systemd LoadCredential=,
systemd.exec(5) "Credentials"). The value is read when it is needed, so a rotated password works after
a reconnect, and it is in no repr, log, error or dump.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from bridge.errors import ConfigError

Kind = Literal["env", "file", "credential"]

HOW: Final = "write {env: NAME}, {file: /path} or {credential: name}"
MAX_BYTES: Final = 64 * 1024

_SHAPES: Final[dict[Kind, tuple[str, str]]] = {
    "env": (r"[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable: letters, digits and _"),
    "file": (r"/[^\0]+", "an absolute path"),
    "credential": (r"[A-Za-z0-9_][A-Za-z0-9_.@:-]*", "the name of a systemd credential, without /"),
}
_NAMES: Final[dict[Kind, str]] = {
    "env": "environment variable",
    "file": "secret file",
    "credential": "systemd credential",
}


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """Where a secret lies. Equal when it names the same place; the value is never stored here."""

    kind: Kind
    name: str
    """The variable, the absolute path or the credential's name. Not secret."""

    def reveal(self) -> str:
        """Return the secret text, read now, without the newline that ends a file.

        Raises ConfigError (without the value) if it is missing, empty, not UTF-8 text of one line, or in
        a file that others than its owner and group may touch.
        """
        text = self._from_environment() if self.kind == "env" else self._from_file()
        if not text:
            raise ConfigError(f"the {self} is empty")
        if any(control in text for control in "\r\n\0"):
            raise ConfigError(f"the {self} holds more than one line")
        return text

    def resolve(self) -> None:
        """Prove that the secret can be read. Raises ConfigError as `reveal` does."""
        self.reveal()

    def __str__(self) -> str:
        return f"{_NAMES[self.kind]} {self.name}"

    def __repr__(self) -> str:
        return f"Secret({self.kind}={self.name!r}, value=***)"

    def _from_environment(self) -> str:
        try:
            return os.environ[self.name]
        except KeyError:
            raise ConfigError(f"the {self} is not set") from None

    def _from_file(self) -> str:
        path = Path(self.name) if self.kind == "file" else self._credential_path()
        try:
            # O_NONBLOCK: a pipe left in the place of the file must not hang the start.
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, ValueError) as error:
            raise ConfigError(f"the {self} cannot be read: {_reason(error)}") from None
        try:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise ConfigError(f"the {self} is not a regular file")
            if mode & stat.S_IRWXO:
                raise ConfigError(f"the {self} is open to everybody on this machine: chmod o= {path}")
            content = os.read(descriptor, MAX_BYTES + 1)
        finally:
            os.close(descriptor)
        return self._decode(content)

    def _credential_path(self) -> Path:
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise ConfigError(
                f"the {self} is not there: the unit needs LoadCredential={self.name}:/path"
                " (CREDENTIALS_DIRECTORY is not set)"
            )
        return Path(folder) / self.name

    def _decode(self, content: bytes) -> str:
        if len(content) > MAX_BYTES:
            raise ConfigError(f"the {self} is larger than {MAX_BYTES} bytes: not a secret")
        try:
            text = content.decode()
        except UnicodeDecodeError:
            # `from None`: the original error carries the bytes.
            raise ConfigError(f"the {self} is not UTF-8 text") from None
        return text.removesuffix("\n").removesuffix("\r")

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: object, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _parse,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda secret: {secret.kind: secret.name}
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "description": f"A secret is never written here: {HOW}.",
            "oneOf": [
                {
                    "type": "object",
                    "properties": {kind: {"type": "string", "pattern": f"^{pattern}$", "description": what}},
                    "required": [kind],
                    "additionalProperties": False,
                }
                for kind, (pattern, what) in _SHAPES.items()
            ],
        }


def _parse(value: Any) -> Secret:
    """Make a Secret of what the YAML says. No error repeats the value: it may be the secret itself."""
    if isinstance(value, Secret):
        return value
    if not isinstance(value, dict):
        raise PydanticCustomError("secret_inline", f"a secret is never written here: {HOW}")
    if len(value) != 1 or not set(value) <= set(get_args(Kind)):
        raise PydanticCustomError("secret_place", f"exactly one place is needed: {HOW}")
    [(key, name)] = value.items()
    kind = cast("Kind", key)
    pattern, what = _SHAPES[kind]
    if not isinstance(name, str) or not re.fullmatch(pattern, name):
        raise PydanticCustomError("secret_name", "`{kind}` takes {what}", {"kind": kind, "what": what})
    return Secret(kind, name)


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
