"""YAML text -> PyYAML's node graph, and PyYAML's complaints in words that help. Called by `document`.

No message repeats what the file holds: the line that does not parse may be the one with a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import yaml

from bridge.config.problems import Placed, Position, Problem, SiteError, site_error

_WORDS: Final = (
    (
        r"mapping values are not allowed",
        "a `:` where no setting can start: check the indentation, or quote the text",
    ),
    (r"could not find expected ':'", "`name: value` is expected: the `:` is missing"),
    (r"expected <(block end|document start)>", "the indentation does not fit the lines above"),
    (r"unexpected end of stream", "a quote is opened and never closed"),
    (r"expected ',' or", "a bracket is not closed, or a `,` is missing"),
    (r"alias|anchor", "an alias (`*name`) without its anchor; text that starts with * or & needs quotes"),
    (r"(single|another) document", "a second document (`---`) starts: one file holds one site"),
    (r"nested too deep", "nested too deep: a site needs six levels"),
    (r"\btag\b", "tags (`!name`) are not used here; text that starts with ! needs quotes"),
    (
        r"escape character",
        "an unknown escape in double quotes: write \\\\ for a backslash, or use single quotes",
    ),
    (r"cannot start any token", "text that starts with one of @ ` % needs quotes"),
)


class _Composer(yaml.SafeLoader):
    """PyYAML as far as the node graph, with bounded depth so that no text exhausts the stack."""

    max_depth = 0
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > self.max_depth:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # the stubs leave it out
            raise yaml.MarkedYAMLError(problem="nested too deep", problem_mark=mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


def compose(text: str, name: str, *, max_depth: int) -> yaml.Node | None:
    """Return the root node, None for a text without any. Raises SiteError."""
    try:
        loader = _Composer(text)
        loader.max_depth = max_depth
        return loader.get_single_node()
    except yaml.reader.ReaderError as error:
        raise _unreadable(text, name, error) from None
    except yaml.MarkedYAMLError as error:
        raise site_error(name, _placed(error, text)) from None
    except (ValueError, OverflowError):
        # These escape from PyYAML for "\UFFFFFFFF" and for a huge number in a %YAML line.
        text = "an escape (`\\U...`) or a `%YAML` line is not valid"
        raise site_error(name, [Placed(Problem((), text), Position(1, 1))]) from None


def _unreadable(text: str, name: str, error: yaml.reader.ReaderError) -> SiteError:
    before = text[: error.position]
    position = Position(before.count("\n") + 1, error.position - (before.rfind("\n") + 1) + 1)
    what = f"the character U+{ord(text[error.position]):04X} cannot stand in YAML"
    return site_error(name, [Placed(Problem((), what), position)])


def _placed(error: yaml.MarkedYAMLError, text: str) -> Iterator[Placed]:
    problem = error.problem or error.context or ""
    if "'\\t'" in problem:
        yield from _tabs(text)
    mark = error.problem_mark or error.context_mark
    position = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
    if "'\\t'" not in problem or position.line not in _tab_lines(text):
        yield Placed(Problem((), _words(error, problem)), position)


def _tabs(text: str) -> Iterator[Placed]:
    for line, column in _tab_lines(text).items():
        words = "a tab in the indentation: YAML takes spaces only"
        yield Placed(Problem((), words), Position(line, column))


def _tab_lines(text: str) -> dict[int, int]:
    """Return line -> column of every tab that indents something."""
    lines = enumerate(text.splitlines(), start=1)
    found = ((number, re.match(r" *\t\s*[^\s#]", line)) for number, line in lines)
    return {number: match.group().index("\t") + 1 for number, match in found if match}


def _words(error: yaml.MarkedYAMLError, problem: str) -> str:
    opened = error.context_mark
    since = f" (it starts in line {opened.line + 1})" if opened and error.problem_mark else ""
    for pattern, words in _WORDS:
        if re.search(pattern, problem):
            return words + (since if "closed" in words else "")
    plain = re.sub(r"'[^']*'", "...", problem)
    return f"not valid YAML: {plain}"
