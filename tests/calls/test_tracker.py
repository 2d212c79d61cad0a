"""The mapping rule where no recording reaches: hand-made facts, snapshots, any order at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.calls import CallTracker, extension_matches, facts
from bridge.calls.channels import endpoint_of, is_device
from bridge.model import CALL_KINDS, Call, Event, Kind, Tier

PHONE, CONSOLE, FAR = "1700000000.0", "1700000000.1", "1700000000.2"
BRIDGE = "b-1"


def created(
    uniqueid: str = PHONE, channel: str = "PJSIP/1001-00000000", *, incoming: bool = True, **more: str
) -> facts.Created:
    defaults = {"linkedid": PHONE, "caller": "1001", "exten": "9110"}
    return facts.Created(
        at=1.0, uniqueid=uniqueid, channel=channel, incoming=incoming, **{**defaults, **more}
    )


def leg(uniqueid: str = CONSOLE, channel: str = "PJSIP/9110-00000001") -> list[facts.Fact]:
    return [
        created(uniqueid, channel, incoming=False, exten="s"),
        facts.DialBegan(at=1.0, dest_uniqueid=uniqueid, dest_channel=channel, linkedid=PHONE, caller="1001"),
    ]


def up(uniqueid: str) -> facts.StateChanged:
    return facts.StateChanged(at=2.0, uniqueid=uniqueid, state="Up")


def entered(uniqueid: str, bridge: str = BRIDGE, *, mixing: bool = True) -> facts.Entered:
    return facts.Entered(at=3.0, uniqueid=uniqueid, bridge=bridge, mixing=mixing)


def hangup(uniqueid: str) -> facts.HangupRequested:
    return facts.HangupRequested(at=4.0, uniqueid=uniqueid)


def gone(uniqueid: str, cause: str = "") -> facts.Destroyed:
    return facts.Destroyed(at=5.0, uniqueid=uniqueid, cause=cause)


def said(name: str, uniqueid: str = PHONE, **fields: str) -> facts.Said:
    channel = "PJSIP/1001-00000000" if uniqueid == PHONE else "Local/9110@x-0;2"
    return facts.Said(
        at=2.5, name=name, uniqueid=uniqueid, linkedid=PHONE, channel=channel, caller="1001", fields=fields
    )


def fed(*given_facts: facts.Fact, tracker: CallTracker | None = None) -> list[Event]:
    tracker = tracker or CallTracker("asterisk/pbx1")
    return [event for fact in given_facts for event in tracker.feed(fact)]


def of_phone(events: list[Event]) -> list[str]:
    return [event.kind.removeprefix("call_") for event in events if event.key == PHONE]


# --- who is a phone ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "endpoint", "device"),
    [
        ("PJSIP/1001-0000002a", "1001", True),
        ("PJSIP/TANK-EAST-03-0000002a", "TANK-EAST-03", True),
        ("PJSIP/anonymous-00000001", "anonymous", True),
        ("IAX2/site-b/100-7", "site-b/100", True),
        ("SIP/1001-0000002a", "1001", True),
        ("DAHDI/i1/5551234-1", "i1/5551234", True),
        ("PJSIP/1001-0000002a<ZOMBIE>", "1001", True),
        ("Local/9110@ring-00000000;1", "9110@ring", False),
        ("CBAnn/room-00000001;1", "room", False),
        ("Snoop/1700000000.1-00000002", "1700000000.1", False),
        ("Message/ast_msg_queue", "ast_msg_queue", False),
        ("nonsense", "", False),
        ("", "", False),
    ],
)
def test_channel_names(channel: str, endpoint: str, device: bool) -> None:
    assert endpoint_of(channel) == endpoint
    assert is_device(channel) is device


@pytest.mark.parametrize(
    "fact",
    [
        created(channel="Local/9110@ring-00000000;2"),
        created(incoming=False),
        created(linkedid="1699999999.9"),
        created(channel="CBRec/conf-1"),
    ],
    ids=["local", "called by the PBX", "a leg", "recorder"],
)
def test_what_is_no_call_of_a_phone(fact: facts.Created) -> None:
    assert fed(fact) == []


@pytest.mark.parametrize("caller", ["<unknown>", "anonymous", "Anonymous", "Restricted", "", " "])
def test_withheld_caller_id(caller: str) -> None:
    [dialing] = fed(created(caller=caller, name="Anonymous"))
    assert (dialing.endpoint, dialing.caller) == ("1001", "")
    assert "name" not in dialing.attributes


# --- a person is connected --------------------------------------------------------------------------


def test_answered_by_the_pbx_is_not_a_person() -> None:
    assert of_phone(fed(created(), up(PHONE))) == ["dialing", "answered"]


def test_connected_when_both_are_up_and_in_one_bridge_in_any_order() -> None:
    parts: list[facts.Fact] = [entered(CONSOLE), entered(PHONE), up(CONSOLE), up(PHONE)]
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]):
        events = fed(created(), *leg(), *(parts[n] for n in order))
        assert of_phone(events) == ["dialing", "answered", "connected"]
        assert events[-1].kind is Kind.CALL_CONNECTED


def test_alone_in_a_bridge_is_not_connected() -> None:
    assert of_phone(fed(created(), up(PHONE), entered(PHONE))) == ["dialing", "answered"]


def test_two_phones_in_a_parking_lot_do_not_hear_each_other() -> None:
    events = fed(
        created(),
        up(PHONE),
        *leg(),
        up(CONSOLE),
        entered(PHONE, mixing=False),
        entered(CONSOLE, mixing=False),
    )
    assert of_phone(events) == ["dialing", "answered"]


def test_parked_out_of_a_call() -> None:
    tracker = CallTracker("asterisk/pbx1")
    fed(created(), up(PHONE), entered(PHONE), entered(PHONE, "lot", mixing=False), tracker=tracker)
    events = fed(*leg(), up(CONSOLE), entered(CONSOLE), tracker=tracker)
    assert Kind.CALL_CONNECTED not in [event.kind for event in events]


def test_a_recorder_in_the_conference_is_no_person() -> None:
    recorder = created(FAR, "CBRec/conf-0", incoming=False)
    assert of_phone(fed(created(), up(PHONE), entered(PHONE), recorder, up(FAR), entered(FAR))) == [
        "dialing",
        "answered",
    ]


def test_through_a_local_channel_only_when_the_path_is_complete() -> None:
    near, far = "1700000000.7", "1700000000.8"
    halves = [
        created(near, "Local/x@y-0;1", incoming=False),
        created(far, "Local/x@y-0;2"),
    ]
    start: list[facts.Fact] = [created(), up(PHONE), *halves, *leg(), up(CONSOLE)]
    path: list[facts.Fact] = [
        entered(PHONE, "a"),
        entered(near, "a"),
        entered(far, "b"),
        entered(CONSOLE, "b"),
    ]
    for missing in range(4):
        tracker = CallTracker("asterisk/pbx1")
        events = fed(*start, *(fact for n, fact in enumerate(path) if n != missing), tracker=tracker)
        assert "connected" not in of_phone(events)
        [connected] = [event for event in fed(path[missing], tracker=tracker) if event.key == PHONE]
        assert connected.attributes["connected_to"] == "9110"


def test_left_and_come_back_is_said_once() -> None:
    left = facts.Left(at=3.5, uniqueid=CONSOLE, bridge=BRIDGE)
    events = fed(
        created(), up(PHONE), *leg(), up(CONSOLE), entered(PHONE), entered(CONSOLE), left, entered(CONSOLE)
    )
    assert of_phone(events) == ["dialing", "answered", "connected"]


def test_leaving_a_bridge_one_is_not_in_any_more_changes_nothing() -> None:
    stale = facts.Left(at=3.5, uniqueid=PHONE, bridge="an older one")
    events = fed(created(), up(PHONE), entered(PHONE), stale, *leg(), up(CONSOLE), entered(CONSOLE))
    assert of_phone(events)[-1] == "connected"


# --- who ended it, how far it came ------------------------------------------------------------------


def end_of(*given_facts: facts.Fact) -> Event:
    return next(event for event in reversed(fed(*given_facts)) if event.key == PHONE)


@pytest.mark.parametrize(
    ("given_facts", "by", "outcome"),
    [
        ([hangup(PHONE)], "caller", "cancelled"),
        ([up(PHONE), hangup(PHONE)], "caller", "answered"),
        ([up(PHONE)], "pbx", "answered"),
        (
            [*leg(), facts.DialEnded(at=2.0, dest_uniqueid=CONSOLE, linkedid=PHONE, status="BUSY")],
            "pbx",
            "busy",
        ),
        ([*leg(), facts.StateChanged(at=2.0, uniqueid=CONSOLE, state="Ringing")], "pbx", "no_answer"),
        (
            [*leg(), facts.DialEnded(at=2.0, dest_uniqueid=CONSOLE, linkedid=PHONE, status="NOANSWER")],
            "pbx",
            "no_answer",
        ),
    ],
)
def test_how_it_ended(given_facts: list[facts.Fact], by: str, outcome: str) -> None:
    event = end_of(created(), *given_facts, gone(PHONE))
    assert event.kind is Kind.CALL_ENDED
    assert (event.attributes["ended_by"], event.attributes["outcome"]) == (by, outcome)


@pytest.mark.parametrize(
    "given_facts",
    [
        [],
        [*leg(), facts.DialEnded(at=2.0, dest_uniqueid=CONSOLE, linkedid=PHONE, status="CHANUNAVAIL")],
        [facts.StateChanged(at=2.0, uniqueid=PHONE, state="Busy"), hangup(PHONE)],
    ],
    ids=["hung up at once", "unreachable", "congestion, which makes the device hang up"],
)
def test_what_the_pbx_could_not_place_has_failed(given_facts: list[facts.Fact]) -> None:
    event = end_of(created(), *given_facts, gone(PHONE, "No route to destination"))
    assert event.kind is Kind.CALL_FAILED
    assert event.attributes["text"] == "No route to destination"


def connected_call() -> list[facts.Fact]:
    return [created(), up(PHONE), *leg(), up(CONSOLE), entered(PHONE), entered(CONSOLE)]


def test_the_console_hangs_up() -> None:
    assert (
        end_of(*connected_call(), hangup(CONSOLE), gone(CONSOLE), gone(PHONE)).attributes["ended_by"]
        == "called"
    )


def test_the_phone_hangs_up_long_after_the_console_did() -> None:
    event = end_of(*connected_call(), hangup(CONSOLE), gone(CONSOLE), hangup(PHONE), gone(PHONE))
    assert event.attributes["ended_by"] == "caller"


def test_the_pbx_ends_it_after_the_call_went_on_to_somebody_else() -> None:
    events = [*connected_call(), hangup(CONSOLE), gone(CONSOLE), *leg(FAR, "PJSIP/2005-0"), up(FAR)]
    event = end_of(*events, entered(PHONE, "c"), entered(FAR, "c"), gone(PHONE))
    assert event.attributes["ended_by"] == "pbx"


def test_a_phone_that_was_called() -> None:
    events = fed(*leg(CONSOLE, "PJSIP/1001-00000005"), up(CONSOLE), hangup(CONSOLE), gone(CONSOLE))
    assert [event.kind for event in events] == [Kind.CALL_DIALING, Kind.CALL_ANSWERED, Kind.CALL_ENDED]
    assert {(e.key, e.endpoint, e.caller, e.dialled) for e in events} == {(CONSOLE, "1001", "1001", "1001")}
    assert events[-1].attributes == {"direction": "in", "ended_by": "called", "outcome": "answered"}


# --- what the dialplan says -------------------------------------------------------------------------


def test_sos_call_only_repeats_what_is_known() -> None:
    assert of_phone(fed(created(), said("SOSCall", sosuid=PHONE, exten="9110"))) == ["dialing"]


def test_sos_call_makes_an_sos_of_a_call_that_dialled_something_else() -> None:
    events = fed(created(exten="*9"), up(PHONE), said("SOSCall", sosuid=PHONE, exten="9110"), gone(PHONE))
    assert [(event.kind.removeprefix("call_"), event.dialled) for event in events] == [
        ("dialing", "*9"),
        ("answered", "*9"),
        ("dialing", "9110"),
        ("ended", "*9"),
        ("answered", "9110"),
        ("ended", "9110"),
    ]


def test_sos_call_of_a_channel_never_seen_is_an_sos() -> None:
    tracker = CallTracker("asterisk/pbx1")
    [dialing] = fed(said("SOSCall", sosuid=PHONE, exten="9110"), tracker=tracker)
    assert (dialing.key, dialing.endpoint, dialing.dialled) == (PHONE, "1001", "9110")
    assert dialing.id == fed(created())[0].id, "the very event that its creation would have made"
    assert [event.kind for event in fed(gone(PHONE), tracker=tracker)] == [Kind.CALL_FAILED]


def test_sos_call_from_a_local_channel_names_the_phone_itself() -> None:
    [dialing] = fed(said("SOSCall", CONSOLE, sosuid=PHONE, exten="9110", phone="1001"))
    assert (dialing.key, dialing.endpoint, dialing.dialled) == (PHONE, "1001", "9110")
    tracker = CallTracker("asterisk/pbx1")
    fed(created(), tracker=tracker)
    assert fed(said("SOSCall", CONSOLE, sosuid=PHONE, exten="9110"), tracker=tracker) == []


# --- snapshots --------------------------------------------------------------------------------------


def live(uniqueid: str = PHONE, channel: str = "PJSIP/1001-00000000", **more: object) -> facts.LiveChannel:
    defaults = {"linkedid": PHONE, "state": "Ring", "caller": "1001", "exten": "9110"}
    return facts.LiveChannel(uniqueid=uniqueid, channel=channel, **{**defaults, **more})  # type: ignore[arg-type]  # its own fields


def test_a_call_that_began_unseen_is_opened_with_the_second_it_was_born_in() -> None:
    [dialing] = CallTracker("asterisk/pbx1").reconcile([live()], now=1_700_000_100.0)
    assert dialing.attributes == {"direction": "out", "recovered": "yes"}
    assert dialing.occurred_at == 1_700_000_000.0
    assert dialing.id == fed(created())[0].id


def test_the_pbx_clock_may_be_ahead_and_uniqueids_may_have_a_prefix() -> None:
    tracker = CallTracker("asterisk/pbx1")
    assert tracker.reconcile([live()], now=1_600_000_000.0)[0].occurred_at == 1_600_000_000.0
    named = live("pbx-1700000003.5", linkedid="pbx-1700000003.5")
    assert tracker.reconcile([live(), named], now=1_700_000_100.0)[0].occurred_at == 1_700_000_003.0
    odd = live("no-time", linkedid="no-time")
    assert tracker.reconcile([live(), named, odd], now=1_700_000_100.0)[0].occurred_at == 1_700_000_100.0


def test_what_was_dialled_is_told_by_the_inherited_variable() -> None:
    row = live(exten="s", variables={"SOS_KIND": "alarm", "SOS_EXTEN": "9110"})
    [dialing] = CallTracker("asterisk/pbx1").reconcile([row], now=1.0)
    assert dialing.dialled == "9110"


def test_a_conversation_that_began_unseen() -> None:
    rows = [
        live(state="Up", bridge=BRIDGE),
        live(
            CONSOLE, "PJSIP/9110-00000001", state="Up", bridge=BRIDGE, dialled_by_pbx=True, connected="1001"
        ),
    ]
    tracker = CallTracker("asterisk/pbx1")
    events = tracker.reconcile(rows, now=1_700_000_100.0)
    assert of_phone(events) == ["dialing", "answered", "connected"]
    [called] = [event for event in events if event.kind is Kind.CALL_DIALING and event.key == CONSOLE]
    assert (called.endpoint, called.caller, called.attributes["direction"]) == ("9110", "1001", "in")
    assert tracker.reconcile(rows, now=1_700_000_101.0) == [], "nothing is said twice"
    assert fed(created(), up(PHONE), entered(PHONE), entered(CONSOLE), tracker=tracker) == []


def test_what_happened_meanwhile_to_a_known_call() -> None:
    tracker = CallTracker("asterisk/pbx1")
    fed(created(), tracker=tracker)
    events = tracker.reconcile([live(state="Up")], now=9.0)
    assert [(event.kind, event.attributes.get("recovered")) for event in events] == [
        (Kind.CALL_ANSWERED, "yes")
    ]


def test_a_call_that_ended_unseen_is_ended_by_nobody_known() -> None:
    tracker = CallTracker("asterisk/pbx1")
    fed(*connected_call(), tracker=tracker)
    events = tracker.reconcile([], now=9.0)
    [ended] = [event for event in events if event.key == PHONE]
    assert ended.kind is Kind.CALL_ENDED
    assert ended.attributes == {"direction": "out", "outcome": "unknown", "recovered": "yes"}
    assert tracker.live_channels == 0


def test_an_end_that_is_on_its_way_is_not_anticipated() -> None:
    tracker = CallTracker("asterisk/pbx1")
    fed(created(), tracker=tracker)
    assert tracker.reconcile([], now=9.0, ending={PHONE}) == []
    [ended] = fed(hangup(PHONE), gone(PHONE), tracker=tracker)
    assert ended.attributes["ended_by"] == "caller"


def test_parked_phones_in_a_snapshot_do_not_talk() -> None:
    rows = [
        live(state="Up", bridge=BRIDGE, mixing=False),
        live(FAR, "PJSIP/1002-0", linkedid=FAR, state="Up", bridge=BRIDGE, mixing=False),
    ]
    assert "connected" not in of_phone(CallTracker("asterisk/pbx1").reconcile(rows, now=1.0))


def alias() -> facts.LiveChannel:
    """The phone dialled *9, which leads to the alarm."""
    return live(exten="s", variables={"SOS_EXTEN": "9110"})


LED_ON = [
    (Kind.CALL_DIALING, "9110", ""),
    (Kind.CALL_ENDED, "*9", "redirected"),
]


def told(events: list[Event]) -> list[tuple[Kind, str, str]]:
    return [(event.kind, event.dialled, event.attributes.get("outcome", "")) for event in events]


def test_a_call_that_became_an_sos_unseen_is_one() -> None:
    tracker = CallTracker("asterisk/pbx1")
    fed(created(exten="*9"), tracker=tracker)
    assert told(tracker.reconcile([alias()], now=9.0)) == LED_ON
    assert tracker.reconcile([alias()], now=10.0) == []


def test_so_is_one_that_an_earlier_run_had_seen_begin() -> None:
    tracker = CallTracker("asterisk/pbx1")
    tracker.recall([stored(dialled="*9")])
    assert told(tracker.reconcile([alias()], now=9.0)) == LED_ON


def test_a_dispatchers_leg_inherits_the_extension_and_is_no_sos() -> None:
    tracker = CallTracker("asterisk/pbx1")
    fed(created(), *leg(), tracker=tracker)
    rows = [alias(), live(CONSOLE, "PJSIP/9000-1", variables={"SOS_EXTEN": "9110"}, dialled_by_pbx=True)]
    assert told(tracker.reconcile(rows, now=9.0)) == []


def pressed(incident: str = "") -> facts.LiveChannel:
    """The dispatcher's own channel, on which 1 was pressed. Since then it has moved on to another call."""
    said_there = {"SOS_ACK": f"{PHONE}/lead-2", "SOS_UID": FAR, "SOS_INCIDENT": incident}
    return live(
        CONSOLE, "PJSIP/lead-2-1", state="Up", bridge=BRIDGE, variables=said_there, dialled_by_pbx=True
    )


def test_a_1_that_was_pressed_unseen_acknowledges() -> None:
    tracker = CallTracker("asterisk/pbx1")
    incident = "6f2d8a0e-51c4-5f0b-9a7e-2f6d1b1f9110"
    events = tracker.reconcile([pressed(incident), live(state="Up", bridge=BRIDGE)], now=9.0)
    assert of_phone(events) == ["dialing", "answered", "connected"]
    [recovered] = [event for event in events if event.kind is Kind.ACKNOWLEDGED]
    [begins] = [event for event in events if (event.kind, event.key) == (Kind.CALL_DIALING, PHONE)]
    assert events.index(recovered) > events.index(begins), "it is about a call that is known by then"
    assert (recovered.incident, recovered.occurred_at) == (incident, 9.0)
    what = {"by": "lead-2", "how": "dtmf", "call_key": PHONE}
    assert recovered.attributes == {**what, "recovered": "yes"}
    [heard] = fed(said("SOSAck", CONSOLE, sosuid=PHONE, dispatcher="lead-2", sosincident=incident))
    assert heard.attributes == what
    assert heard.id == recovered.id, "one fact, by whatever it is told"


@pytest.mark.parametrize("value", ["", PHONE, f"{PHONE}/"])
def test_a_channel_without_a_1_acknowledges_nothing(value: str) -> None:
    rows = [live(variables={"SOS_ACK": value})]
    kinds = [event.kind for event in CallTracker("asterisk/pbx1").reconcile(rows, now=9.0)]
    assert kinds == [Kind.CALL_DIALING]


# --- what an earlier run left unfinished ------------------------------------------------------------


def stored(key: str = PHONE, **more: object) -> Call:
    defaults = {"source": "asterisk/pbx1", "endpoint": "1001", "caller": "1001", "dialled": "9110"}
    rest = {"phone": "P-01", "location": "", "tier": Tier.EMERGENCY, "dialing_at": 1.0}
    return Call(id=key, key=key, **{**defaults, **rest, **more})  # type: ignore[arg-type]  # its own fields


def test_a_remembered_call_goes_on_where_it_was() -> None:
    tracker = CallTracker("asterisk/pbx1")
    tracker.recall([stored(answered_at=2.0)])
    assert tracker.reconcile([live(state="Up")], now=9.0) == [], "all of it is stored already"
    events = fed(
        *leg(), up(CONSOLE), entered(PHONE), entered(CONSOLE), hangup(PHONE), gone(PHONE), tracker=tracker
    )
    assert of_phone(events) == ["connected", "ended"]
    assert {(e.endpoint, e.caller, e.dialled) for e in events if e.key == PHONE} == {("1001", "1001", "9110")}


def test_a_remembered_call_that_is_gone_has_ended_unseen() -> None:
    tracker = CallTracker("asterisk/pbx1")
    tracker.recall([stored(), stored(CONSOLE, source="asterisk/another")])
    [ended] = tracker.reconcile([], now=9.0)
    assert (ended.kind, ended.key, ended.attributes["outcome"]) == (Kind.CALL_ENDED, PHONE, "unknown")
    assert tracker.reconcile([], now=10.0) == []


# --- anything at all --------------------------------------------------------------------------------

IDS = st.sampled_from([PHONE, CONSOLE, FAR, "1700000000.3"])
CHANNELS = st.sampled_from(
    ["PJSIP/1001-0", "PJSIP/9110-1", "Local/a@b-0;1", "Local/a@b-0;2", "CBAnn/x", "odd", "", "PJSIP/"]
)
BRIDGES = st.sampled_from(["", "a", "b"])
FACTS = st.one_of(
    st.builds(
        facts.Created,
        at=st.just(1.0),
        uniqueid=IDS,
        linkedid=IDS,
        channel=CHANNELS,
        incoming=st.booleans(),
        exten=st.sampled_from(["9110", "s", ""]),
    ),
    st.builds(
        facts.StateChanged,
        at=st.just(1.0),
        uniqueid=IDS,
        state=st.sampled_from(["Up", "Ringing", "Busy", ""]),
    ),
    st.builds(facts.DialBegan, at=st.just(1.0), dest_uniqueid=IDS, dest_channel=CHANNELS, linkedid=IDS),
    st.builds(
        facts.DialEnded,
        at=st.just(1.0),
        dest_uniqueid=IDS,
        linkedid=IDS,
        status=st.sampled_from(["BUSY", "ANSWER", "NOANSWER"]),
    ),
    st.builds(facts.Entered, at=st.just(1.0), uniqueid=IDS, bridge=BRIDGES, mixing=st.booleans()),
    st.builds(facts.Left, at=st.just(1.0), uniqueid=IDS, bridge=BRIDGES),
    st.builds(facts.HangupRequested, at=st.just(1.0), uniqueid=IDS),
    st.builds(facts.Destroyed, at=st.just(1.0), uniqueid=IDS),
)


@settings(deadline=None)  # machines under test are busy
@given(st.lists(FACTS, max_size=40))
def test_facts_in_any_order_never_confuse_a_call(given_facts: list[facts.Fact]) -> None:
    tracker = CallTracker("asterisk/pbx1")
    open_calls: dict[str, set[Kind]] = {}
    for event in fed(*given_facts, tracker=tracker):
        assert event.kind in CALL_KINDS
        if event.kind is Kind.CALL_DIALING:
            assert event.key not in open_calls
            open_calls[event.key] = set()
            continue
        seen = open_calls[event.key]
        assert event.kind not in seen
        seen.add(event.kind)
        if event.kind is Kind.CALL_CONNECTED:
            assert Kind.CALL_ANSWERED in seen
        if event.kind in (Kind.CALL_ENDED, Kind.CALL_FAILED):
            del open_calls[event.key]
    assert tracker.live_calls == len(open_calls)
    tracker.reconcile([], now=9.0)
    assert (tracker.live_channels, tracker.live_calls) == (0, 0)
    kept = tracker._channels
    assert [kept._linked, kept._bridges, kept._halves] == [{}, {}, {}], "memory does not grow"


@pytest.mark.parametrize(
    ("pattern", "extension", "fits"),
    [("9110", "9110", True), ("_911X", "9115", True), ("_911X", "911", False), ("_9[1-3].", "92", False)],
)
def test_extensions(pattern: str, extension: str, fits: bool) -> None:
    assert extension_matches(pattern, extension) is fits


def test_a_busy_device_has_ended_its_call_even_if_the_pbx_hangs_up_first() -> None:
    """Whether its own hangup is told before that is a matter of milliseconds."""
    tracker = CallTracker("asterisk/pbx1")
    tracker.feed(facts.DialBegan(at=1.0, dest_uniqueid="1.2", dest_channel="PJSIP/9110-0", linkedid="1.1"))
    tracker.feed(facts.DialEnded(at=2.0, dest_uniqueid="1.2", linkedid="1.1", status="BUSY"))
    [ended] = tracker.feed(facts.Destroyed(at=2.0, uniqueid="1.2"))
    assert (ended.attributes["ended_by"], ended.attributes["outcome"]) == ("called", "busy")
