"""The kinds of text and number that a site's settings are made of. Used by `sections`.

Each says in its error what is allowed and never repeats the value: it may be a secret in the wrong line.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
import zoneinfo
from functools import cache
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

MAX_SECONDS: Final = 7 * 24 * 3600.0
MAX_COUNT: Final = 100
_UNITS: Final = {"": 1.0, "s": 1.0, "min": 60.0, "h": 3600.0}
_DURATION: Final = r"([0-9]{1,7}(?:\.[0-9]{1,6})?) ?(s|min|h|)"
_DURATION_WORDS: Final = "must be a time: seconds, or a number with s, min or h (`90`, `1.5 min`, `4h`)"
_CONTROL_CATEGORIES: Final = ("Cc", "Cs", "Zl", "Zp")


class Section(BaseModel):
    """Base of every part of the file: a setting that is not declared is a mistake."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )


def refuse(text: str) -> PydanticCustomError:
    """Return the error of a value that its setting does not allow. `text` follows the setting's name."""
    return PydanticCustomError("site", "{text}", {"text": text})


def _shaped(pattern: str, what: str, limit: int = 64) -> Any:
    """Return the metadata of a text type: the whole text fits `pattern`, in words `what`."""

    def check(value: str) -> str:
        if len(value) > limit or not re.fullmatch(pattern, value):
            raise refuse(f"must be {what}, at most {limit} characters")
        return value

    return AfterValidator(check)


def _schema(pattern: str, limit: int = 64) -> Any:
    return Field(json_schema_extra={"pattern": f"^(?:{pattern})$", "maxLength": limit})


def check_line(value: str) -> str:
    """Return text of one line without blanks around it."""
    if not value.strip() or len(value) > 200:
        raise refuse("must be text of 1 to 200 characters")
    if any(unicodedata.category(char) in _CONTROL_CATEGORIES for char in value):
        raise refuse("must be one line, without control characters")
    return value.strip()


@cache
def _timezones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _check_timezone(name: str) -> str:
    if name in _timezones():
        return name
    near = difflib.get_close_matches(name[:100], _timezones(), n=1, cutoff=0.6)
    guess = f"did you mean `{near[0]}`?" if near else "such as `Europe/Berlin` or `UTC`"
    raise refuse(f"must be the name of a time zone (IANA): {guess}")


def _check_alarm(value: str) -> str:
    if not re.fullmatch(_ALARM, value) or len(value) > 64:
        raise refuse("must be an extension (`9110`) or an Asterisk pattern (`_911X`)")
    if any(int(low) > int(high) for low, high in re.findall(r"([0-9])-([0-9])", value)):
        raise refuse("holds a range that runs backwards")
    return value


def seconds(value: object) -> object:
    """Turn `4h` into seconds; numbers pass."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(_DURATION, value)
    if not match:
        raise refuse(_DURATION_WORDS)
    return float(match[1]) * _UNITS[match[2]]


def one_for_all(value: object) -> object:
    """Turn a number into the list of it alone; lists pass."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [value]
    if isinstance(value, str | bool | dict):
        raise refuse("must be a whole number, or a list of them")
    return value


def _check_speech(command: tuple[str, ...]) -> tuple[str, ...]:
    if not any("{file}" in argument for argument in command[1:]):
        raise refuse("must be a program and its arguments, one of them with `{file}`, the WAV file to write")
    return command


def split_address(value: str) -> tuple[str, int]:
    """Split `host:port` or `[ipv6]:port`. Raises ValueError."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})", value)
    if not match or int(match[3]) > 65535:
        raise ValueError("not an address")
    return match[1] or match[2], int(match[3])


def _check_address(value: str) -> str:
    try:
        split_address(value)
    except ValueError:
        raise refuse("must be address:port, such as `127.0.0.1:8710` or `[::1]:8710`") from None
    return value


def _check_database(value: str) -> str:
    url = _url(value)
    if url.password is not None or "password" in url.query:
        raise refuse("must not hold the password: put it under `store.password`")
    if url.drivername == "sqlite":
        if not (url.database or "").startswith("/") or url.host or url.query:
            raise refuse(
                "must name the file by its absolute path: `sqlite:////var/lib/sosbridge/site.sqlite3`"
            )
    elif url.drivername not in ("postgresql", "postgresql+psycopg"):
        raise refuse("must begin with `sqlite:///` or `postgresql://`")
    return value


def _url(value: str) -> URL:
    try:
        return make_url(value)
    except (ArgumentError, ValueError):
        raise refuse("must be `sqlite:////path` or `postgresql://user@host/database`") from None


def _check_folder(value: str) -> str:
    if not re.fullmatch(r"/[^\0-\x1f?#]*", value):
        raise refuse("must be an absolute path, without ? and #")
    return value


_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
TYPE_NAME: Final = r"[a-z][a-z0-9_]*"
_EXTENSION: Final = r"[0-9A-Za-z*#+]+"
_ALARM: Final = r"[0-9A-Za-z*#+]+|_(?:[0-9A-Za-z*#+]|\[[0-9](?:-?[0-9])*\])+[.!]?"
_ENDPOINT: Final = r"[A-Za-z0-9_.+-]+(?:@[A-Za-z0-9_.-]+)?"
_LANGUAGE: Final = r"[a-z]{2,3}(?:-[A-Za-z0-9]{1,8})*"

Name = Annotated[str, _shaped(_NAME, "a name of letters (A-Z), digits, `-`, `_` and `.`"), _schema(_NAME)]
"""A tag: it ends up in dialplan variables and file names, hence the narrow alphabet."""
TypeName = Annotated[str, _shaped(TYPE_NAME, "a name of small letters, digits and `_`")]
Line = Annotated[str, AfterValidator(check_line), Field(json_schema_extra={"maxLength": 200})]
Extension = Annotated[
    str, _shaped(_EXTENSION, "an extension of digits, letters, *, # and +"), _schema(_EXTENSION)
]
AlarmExtension = Annotated[str, AfterValidator(_check_alarm), _schema(_ALARM)]
Endpoint = Annotated[
    str,
    _shaped(_ENDPOINT, "a PJSIP endpoint (`phone-7`), or a number at a trunk (`+4930123@trunk`)", 80),
    _schema(_ENDPOINT, 80),
]
Language = Annotated[
    str, _shaped(_LANGUAGE, "a language such as `en`, `de` or `pt-BR`", 35), _schema(_LANGUAGE, 35)
]
Timezone = Annotated[str, AfterValidator(_check_timezone)]
Address = Annotated[str, AfterValidator(_check_address)]
DatabaseUrl = Annotated[str, AfterValidator(_check_database)]
Folder = Annotated[str, AfterValidator(_check_folder)]
Switch = Annotated[bool, WithJsonSchema({"enum": [True, False, "on", "off"]})]
SpeechCommand = Annotated[tuple[Line, ...], AfterValidator(_check_speech), Field(max_length=MAX_COUNT)]
"""Program and arguments, for no shell: what stands in `{}` is replaced in arguments only."""
Seconds = Annotated[
    float,
    BeforeValidator(seconds),
    Field(ge=0, le=MAX_SECONDS),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": MAX_SECONDS},
                {"type": "string", "pattern": f"^{_DURATION}$"},
            ]
        }
    ),
]
Counts = Annotated[
    tuple[Annotated[int, Field(ge=1, le=MAX_COUNT)], ...],
    Field(min_length=1),
    BeforeValidator(one_for_all),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": MAX_COUNT},
                {
                    "type": "array",
                    "items": {"type": "integer", "minimum": 1, "maximum": MAX_COUNT},
                    "minItems": 1,
                },
            ]
        }
    ),
]
"""Numbers of people; one alone stands for all."""
