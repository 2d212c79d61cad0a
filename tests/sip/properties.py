"""What every value type of `protocols/sip` promises, as checks that Hypothesis runs.

Whatever is in a value: it is written so that it is read back the same, or refused with ProtocolError.
Whatever is in a line of a message: it is read, or refused with ProtocolError, and nothing else is raised.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from bridge.errors import ProtocolError

EXAMPLES = int(os.environ.get("SIP_EXAMPLES", "60"))
"""More of them find more: a night with 100,000 is well spent after a change of the grammar."""

thoroughly = settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
"""No deadline: the machine is shared, and what takes too long is tested by counting in `test_linear_time`."""

_MARKS = '"\\<>;,=@:%[]()?&/#.*+-_ \t'

wild_text = st.text(
    st.one_of(st.sampled_from(_MARKS + "\r\n\0"), st.sampled_from("aZ09"), st.characters()), max_size=20
)
"""Anything, with what means something to a parser often."""
line_text = st.text(
    st.one_of(
        st.sampled_from(_MARKS),
        st.sampled_from("aZ09"),
        st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]),
    ),
    max_size=30,
)
"""Anything that framing may hand on: no CR, LF, NUL or half character."""
tokens = st.text(st.sampled_from("abcXYZ019-.!%*_+`'~"), min_size=1, max_size=12)


@st.composite
def mutated(draw: st.DrawFn, *examples: str) -> str:
    """One of the examples with a few characters put in, taken out or doubled."""
    text = draw(st.sampled_from(examples))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 6)))
        text = text[:start] + draw(line_text) + text[end + draw(st.integers(0, 1)) :]
    return text


def check_written(value: object, parse: Callable[[str], object]) -> None:
    """A value comes back from the wire the same, or never gets there."""
    try:
        text = str(value)
    except ProtocolError:
        return
    assert not set(text) & set("\r\n\0"), text
    assert parse(text) == value, text


def check_read(line: str, parse: Callable[[str], object]) -> None:
    """What is read can be written, and is then the same; what is not read is a ProtocolError."""
    try:
        value = parse(line)
    except ProtocolError:
        return
    assert parse(str(value)) == value, str(value)
