"""A position as text: RFC 4119, RFC 5139, RFC 5491."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.bodies.pidf import read_pidf
from tests.sip.properties import thoroughly

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10"
    xmlns:ca="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr" xmlns:gml="http://www.opengis.net/gml"
    xmlns:gs="http://www.opengis.net/pidflo/1.0" entity="pres:9103@plant.example.com">
  <tuple id="post03"><status><gp:geopriv><gp:location-info>
    <gs:Circle srsName="urn:ogc:def:crs:EPSG::4326">
      <gml:pos>60.1699 24.9384</gml:pos><gs:radius uom="urn:ogc:def:uom:EPSG::9001">30</gs:radius>
    </gs:Circle>
    <ca:civicAddress xml:lang="fi">
      <ca:country>FI</ca:country><ca:A3>Porvoo</ca:A3><ca:NAM>Tank farm
         east</ca:NAM><ca:FLR>2</ca:FLR><ca:ROOM>Säiliö &amp; pumppu</ca:ROOM><ca:LOC></ca:LOC>
    </ca:civicAddress>
  </gp:location-info><gp:usage-rules/><gp:method>Manual</gp:method></gp:geopriv></status></tuple>
</presence>"""


def test_all_that_is_said() -> None:
    assert read_pidf(DOCUMENT.encode()) == {
        "position": "60.1699 24.9384",
        "radius": "30",
        "civic_country": "FI",
        "civic_a3": "Porvoo",
        "civic_nam": "Tank farm east",
        "civic_flr": "2",
        "civic_room": "Säiliö & pumppu",
    }


def test_the_first_of_each_counts() -> None:
    second = DOCUMENT.replace("<gs:Circle", "<gml:Point><gml:pos>1 2</gml:pos></gml:Point><gs:Circle")
    assert read_pidf(second.encode())["position"] == "1 2"


def test_a_document_about_something_else() -> None:
    assert read_pidf(b"<a><pos>1 2</pos></a>") == {}


def test_values_are_short() -> None:
    document = DOCUMENT.replace("Porvoo", "x" * 500)
    assert read_pidf(document.encode())["civic_a3"] == "x" * 200


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<a>",
        b"no XML",
        b"<a/>" * 2,
        b'<?xml version="1.0" encoding="no-such"?><a>\xff</a>',
        b"<a>\0</a>",
    ],
)
def test_what_is_no_document(document: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_pidf(document)


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE a [<!ENTITY x "1"><!ENTITY y "&x;&x;&x;">]>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
        "<!DOCTYPE a>",
    ],
)
def test_no_document_type_so_no_entities(doctype: str) -> None:
    with pytest.raises(ProtocolError, match="document type"):
        read_pidf(f"{doctype}<a>&y;</a>".encode())


@pytest.mark.parametrize(
    "document", [b"<a>" * 31 + b"</a>" * 31, b"<a>" + b"<b/>" * 500 + b"</a>", b" " * 32_769]
)
def test_bounds(document: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_pidf(document)


@thoroughly
@given(st.binary(max_size=60), st.integers(0, len(DOCUMENT.encode())), st.integers(0, 40))
def test_damaged_documents(noise: bytes, place: int, length: int) -> None:
    document = DOCUMENT.encode()
    try:
        found = read_pidf(document[:place] + noise + document[place + length :])
    except ProtocolError:
        return
    assert all(value.isprintable() for value in found.values())
