"""The messages of ONVIF, as the documents print them: what is sent, and what is read from answers."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.onvif import device, events, media, ptz
from bridge.protocols.onvif.addresses import Address
from bridge.protocols.onvif.ptz import Position
from bridge.protocols.onvif.security import username_token
from bridge.protocols.onvif.soap import read_envelope, write_envelope
from bridge.protocols.onvif.times import read_time, write_duration, write_time
from tests.onvif.answers import answer


def test_what_is_sent() -> None:
    sent = write_envelope(ptz.goto_preset("main", "3").body).decode()
    assert sent.startswith('<?xml version="1.0" encoding="UTF-8"?><s:Envelope ')
    assert 'xmlns:tptz="http://www.onvif.org/ver20/ptz/wsdl"' in sent
    assert sent.endswith(
        "<s:Body><tptz:GotoPreset><tptz:ProfileToken>main</tptz:ProfileToken>"
        "<tptz:PresetToken>3</tptz:PresetToken></tptz:GotoPreset></s:Body></s:Envelope>"
    )
    assert ptz.goto_preset("main", "3").soap_action == "http://www.onvif.org/ver20/ptz/wsdl/GotoPreset"


@pytest.mark.parametrize("token", ["<x/>", "a&b", 'a"b', "]]>"])
def test_a_token_stays_text(token: str) -> None:
    sent = write_envelope(ptz.goto_preset("main", token).body)
    content = read_envelope(sent)
    assert [each.text for each in content] == ["main", token]  # type: ignore[union-attr] # no fault


@pytest.mark.parametrize("token", ["a\r\nb", "a\0b", "\x1b"])
def test_control_characters_are_never_sent(token: str) -> None:
    with pytest.raises(ProtocolError, match="control character"):
        ptz.goto_preset("main", token)


def test_username_token() -> None:
    """The example of the ONVIF Programmer's Guide, 6.1.1.3."""
    header = username_token(
        "user",
        "userpassword",
        nonce=base64.b64decode("LKqI6G/AikKCQrN0zqZFlg=="),
        created=datetime(2010, 9, 16, 7, 50, 45, tzinfo=UTC).timestamp(),
    )
    assert "<wsu:Created>2010-09-16T07:50:45Z</wsu:Created>" in header
    assert "<wsse:Username>user</wsse:Username>" in header
    assert "userpassword" not in header
    assert ">LKqI6G/AikKCQrN0zqZFlg==</wsse:Nonce>" in header
    assert ">tuOSpGlFlIXsozq4HFNeeGeFLEI=</wsse:Password>" in header


def test_the_camera_s_time() -> None:
    date = "<tt:Date><tt:Year>2026</tt:Year><tt:Month>1</tt:Month><tt:Day>2</tt:Day></tt:Date>"
    time = "<tt:Time><tt:Hour>3</tt:Hour><tt:Minute>4</tt:Minute><tt:Second>60</tt:Second></tt:Time>"
    told = f"<tds:SystemDateAndTime><tt:UTCDateTime>{time}{date}</tt:UTCDateTime></tds:SystemDateAndTime>"
    assert device.read_time_of(answer(told)) == datetime(2026, 1, 2, 3, 4, 59, tzinfo=UTC).timestamp()
    assert device.read_time_of(answer("<tds:SystemDateAndTime/>")) is None
    with pytest.raises(ProtocolError, match="time is none"):
        device.read_time_of(answer(told.replace(">2026<", ">soon<")))


@pytest.mark.parametrize(
    ("told", "path", "query"),
    [
        ("http://10.0.0.9/onvif/media", "/onvif/media", {}),
        ("http://[fe80::1]:8080/onvif/ptz?id=7&x=", "/onvif/ptz", {"id": "7", "x": ""}),
        (" https://camera.local ", "/", {}),
        ("http://10.0.0.9/a b/ü", "/a%20b/%C3%BC", {}),
    ],
)
def test_of_an_address_only_path_and_query_count(told: str, path: str, query: dict[str, str]) -> None:
    address = Address.parse(told)
    assert (address.path, dict(address.query)) == (path, query)


@pytest.mark.parametrize("told", ["", "ftp://x/y", "http://x/../y", "http://[x", "http://x//y/%2e%2e/z", "x"])
def test_an_address_that_is_none(told: str) -> None:
    with pytest.raises(ProtocolError):
        Address.parse(told)


def test_services_and_capabilities() -> None:
    rows = "".join(
        f"<tds:Service><tds:Namespace>{space}</tds:Namespace><tds:XAddr>{url}</tds:XAddr></tds:Service>"
        for space, url in [
            ("http://www.onvif.org/ver20/ptz/wsdl", "http://192.168.1.64/onvif/PTZ"),
            ("http://www.onvif.org/ver10/media/wsdl", "nonsense"),
            ("http://www.onvif.org/ver99/unknown", "http://192.168.1.64/x"),
        ]
    )
    assert {name: where.path for name, where in device.read_services(answer(rows)).items()} == {
        "tptz": "/onvif/PTZ"
    }
    told = (
        "<tds:Capabilities><tt:Media><tt:XAddr>http://x/m</tt:XAddr></tt:Media><tt:PTZ/></tds:Capabilities>"
    )
    assert {name: where.path for name, where in device.read_capabilities(answer(told)).items()} == {
        "trt": "/m"
    }


def test_profiles() -> None:
    rows = (
        '<trt:Profiles token="a"><tt:Name>One</tt:Name></trt:Profiles>'
        '<trt:Profiles token="b"><tt:Name>Two</tt:Name><tt:PTZConfiguration token="p"/></trt:Profiles>'
    )
    assert media.read_profiles(answer(rows)) == (
        media.Profile("a", "One", ptz=False),
        media.Profile("b", "Two", ptz=True),
    )
    for wrong in ("", "<trt:Profiles/>"):
        with pytest.raises(ProtocolError):
            media.read_profiles(answer(wrong))


PLACE = '<tt:PTZPosition><tt:PanTilt x="{}" y="-0.2"/><tt:Zoom x="0.5"/></tt:PTZPosition>'


def test_presets() -> None:
    rows = (
        f'<tptz:Preset token="1"><tt:Name> Gate </tt:Name>{PLACE.format("0.25")}</tptz:Preset>'
        f'<tptz:Preset token="2">{PLACE.format("NaN")}</tptz:Preset>'
        "<tptz:Preset><tt:Name>no token</tt:Name></tptz:Preset>"
    )
    assert ptz.read_presets(answer(rows)) == (
        ptz.Preset("1", "Gate", Position(0.25, -0.2, 0.5)),
        ptz.Preset("2", "", Position(None, -0.2, 0.5)),
    )


def test_a_position_that_all_presets_share_says_nothing() -> None:
    """Some cameras fill the field with zeros."""
    row = f'<tptz:Preset token="{{}}">{PLACE.format("0")}</tptz:Preset>'
    both = ptz.read_presets(answer(row.format(1) + row.format(2)))
    assert [preset.position.known for preset in both] == [False, False]
    assert ptz.read_presets(answer(row.format(1)))[0].position.known


@pytest.mark.parametrize(
    ("states", "moving"),
    [
        ("<tt:PanTilt>MOVING</tt:PanTilt><tt:Zoom>IDLE</tt:Zoom>", True),
        ("<tt:PanTilt>IDLE</tt:PanTilt><tt:Zoom>IDLE</tt:Zoom>", False),
        ("<tt:PanTilt>idle</tt:PanTilt>", False),
        ("<tt:PanTilt>UNKNOWN</tt:PanTilt>", None),
        ("", None),
    ],
)
def test_status(states: str, moving: bool | None) -> None:
    told = f"<tptz:PTZStatus><tt:Position/><tt:MoveStatus>{states}</tt:MoveStatus></tptz:PTZStatus>"
    assert ptz.read_status(answer(told)) == ptz.Status(Position(), moving)


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        (Position(0.1, 0.2, 0.3), Position(0.11, 0.19, 0.3), True),
        (Position(0.1, 0.2, 0.3), Position(0.1, 0.2, 0.4), False),
        (Position(0.1, 0.2), Position(0.1, 0.2, 0.4), True),
        (Position(pan=0.1), Position(zoom=0.1), False),
        (Position(), Position(), False),
        (Position(0.1, spaces=("degrees", "degrees", "")), Position(0.1, spaces=("x", "x", "")), False),
        (Position(0.1, spaces=("degrees", "degrees", "")), Position(0.1), True),
    ],
)
def test_near(one: Position, other: Position, near: bool) -> None:
    assert one.near(other, 0.02) is near
    assert other.near(one, 0.02) is near


@pytest.mark.parametrize(
    ("position", "text"),
    [
        (Position(0.1, -0.25, 1.0), "position:0.1,-0.25,1"),
        (Position(zoom=0.5), "position:,,0.5"),
        (Position(0.0, 0.0), "position:0,0,"),
        (Position(-0.0000001, 180.0), "position:-0,180,"),
    ],
)
def test_reference(position: Position, text: str) -> None:
    assert position.reference == text
    again = Position.of_reference(text)
    assert again is not None
    assert again.near(position, 1e-6)


@pytest.mark.parametrize(
    "text", ["", "position:,,", "position:a,b,c", "event:7", "position:1,2", "position:1,2,3,4"]
)
def test_another_reference(text: str) -> None:
    assert Position.of_reference(text) is None
    assert Position().reference == ""


def test_relays() -> None:
    rows = "".join(
        f'<tds:RelayOutputs token="{token}"><tt:Properties><tt:Mode>{mode}</tt:Mode></tt:Properties>'
        "</tds:RelayOutputs>"
        for token, mode in (("1", "Monostable"), ("2", "Bistable"))
    )
    assert device.read_relays(answer(rows)) == (device.Relay("1", pulse=True), device.Relay("2", pulse=False))


# --- events -------------------------------------------------------------------------------------------


def test_a_subscription_and_what_it_wants_echoed() -> None:
    told = (
        "<tev:SubscriptionReference><wsa:Address>http://192.168.1.64/onvif/sub?n=4</wsa:Address>"
        '<wsa:ReferenceParameters><v:Id xmlns:v="http://v.example" v:kind="a&amp;b">7</v:Id>'
        "</wsa:ReferenceParameters></tev:SubscriptionReference>"
        "<wsnt:CurrentTime>2026-01-01T00:00:00Z</wsnt:CurrentTime>"
        "<wsnt:TerminationTime>2026-01-01T00:01:30.5Z</wsnt:TerminationTime>"
    )
    made = events.read_subscription(answer(told))
    assert (made.address.path, dict(made.address.query), made.life) == ("/onvif/sub", {"n": "4"}, 90.5)
    header = events.addressing(events.SYNCHRONIZE, made, "n-1")
    content = read_envelope(write_envelope("<x/>", header))
    assert content is not None
    assert "<wsa:To>http://192.168.1.64/onvif/sub?n=4</wsa:To>" in header
    assert "PullPointSubscription/SetSynchronizationPointRequest</wsa:Action>" in header
    [echoed] = made.parameters
    assert "http://v.example" in echoed
    assert "a&amp;b" in echoed
    assert "IsReferenceParameter" in echoed
    assert ">7</" in echoed


@pytest.mark.parametrize("told", ["", "<tev:SubscriptionReference/>"])
def test_no_subscription(told: str) -> None:
    with pytest.raises(ProtocolError):
        events.read_subscription(answer(told))


def test_messages() -> None:
    def row(topic: str, attributes: str, items: str) -> str:
        message = f"<wsnt:Message><tt:Message {attributes}>{items}</tt:Message></wsnt:Message>"
        return (
            f"<wsnt:NotificationMessage><wsnt:Topic>{topic}</wsnt:Topic>{message}</wsnt:NotificationMessage>"
        )

    items = (
        '<tt:Source><tt:SimpleItem Name="InputToken" Value="DI_1"/></tt:Source>'
        '<tt:Data><tt:SimpleItem Name="LogicalState" Value="true"/><tt:ElementItem Name="x"/></tt:Data>'
    )
    rows = (
        row("tns1:Device/Trigger/tns1:DigitalInput", 'UtcTime="2026-01-01T00:00:01Z"', items)
        + row("tns1:RuleEngine/x", 'UtcTime="?" PropertyOperation="Changed"', "")
        + "<wsnt:NotificationMessage><wsnt:Topic>other</wsnt:Topic></wsnt:NotificationMessage>"
    )
    first, second = events.read_messages(answer(rows))
    assert first == events.Notification(
        topic="Device/Trigger/DigitalInput",
        operation="",
        at=datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC).timestamp(),
        source={"InputToken": "DI_1"},
        data={"LogicalState": "true"},
    )
    assert (second.topic, second.operation, second.at) == ("RuleEngine/x", "Changed", None)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01T00:00:10Z", 10.0),
        ("1970-01-01T01:00:10.250+01:00", 10.25),
        ("1970-01-01T00:00:10", 10.0),
        ("1970-01-01T24:00:10Z", None),
        ("2026-13-01T00:00:00Z", None),
        ("soon", None),
        ("", None),
    ],
)
def test_times(text: str, at: float | None) -> None:
    assert read_time(text) == at


def test_written_times() -> None:
    assert write_time(10.9) == "1970-01-01T00:00:10Z"
    assert write_time(-1e12) == "0001-01-01T00:00:00Z"
    assert write_time(1e12) == "9999-12-31T23:59:59Z"
    assert write_duration(600.0) == "PT600S"
