"""The one mapping between dataclasses and plain values, and its way through JSON and both databases."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.model import NOTHING, Event, Fault
from bridge.store import Store, schema
from bridge.store.asking import columns_of
from bridge.store.loading import fetch
from bridge.store.plain import fields_of, from_plain, to_plain
from tests.store.rows import CLASSES, any_of, decision, event, incident


@pytest.mark.parametrize("cls", CLASSES)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_every_class_survives_json(cls: type[Any], data: st.DataObject) -> None:
    value = data.draw(any_of(cls))
    assert from_plain(cls, json.loads(json.dumps(to_plain(value)))) == value


class UndoError(Exception):
    """Leaves a transaction without a trace."""


@pytest.mark.parametrize("cls", CLASSES)
@given(data=st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_class_survives_its_table(store: Store, cls: type[Any], data: st.DataObject) -> None:
    owned = {"incident": st.just("i1")} if schema.TABLE_OF[cls].foreign_keys else {}
    value = data.draw(any_of(cls, **owned))
    with contextlib.suppress(UndoError), store.transaction() as transaction:
        if owned:
            transaction.write([decision(incident("i1"))])
        transaction.write([decision(caused_by=value) if cls is Event else decision(value)])
        query = sa.select(*columns_of(cls))
        if cls is Event:
            query = query.where(schema.events.c.id == value.id)
        assert fetch(transaction._connection, cls, query) == [value]
        raise UndoError


def test_an_event_written_by_another_version_is_still_an_event() -> None:
    plain = to_plain(event()) | {"colour": "red"}
    del plain["via"], plain["attributes"]
    assert from_plain(Event, plain) == event()


def test_an_empty_mapping_is_the_shared_one() -> None:
    assert from_plain(Event, to_plain(event())).attributes is NOTHING


def test_what_is_no_event_is_refused() -> None:
    plain = to_plain(event())
    with pytest.raises(ValueError, match="sneeze"):
        from_plain(Event, plain | {"kind": "sneeze"})
    del plain["key"]
    with pytest.raises(TypeError, match="key"):
        from_plain(Event, plain)


def test_a_type_without_plain_form_is_refused() -> None:
    odd = dataclasses.make_dataclass("Odd", [("place", complex)])
    with pytest.raises(TypeError, match=r"place: .*complex.* has no plain form"):
        fields_of(odd)


def test_a_column_is_nullable_only_where_the_field_may_be_none() -> None:
    assert {c.name for c in schema.TABLE_OF[Fault].columns if c.nullable} == {"cleared_at"}
