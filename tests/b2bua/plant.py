"""A plant around the exchange: devices that do what a test says, a clock, and a strict eye on every effect.

Whatever the exchange asks for must be possible: what is joined is answered, what is cancelled is not, nothing
is done to a leg that is over, nobody outside the site is dialled. Its facts go through a `CallTracker`.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.b2bua import Exchange, Settings, Site, effects, inputs
from bridge.calls import CallTracker, facts
from bridge.model import Event
from tests.b2bua.site import SITE

START = 1_700_000_000.0


@dataclass
class Device:
    """One leg, as the device at its other end knows it."""

    leg: str
    endpoint: str
    calls: bool
    """It called the exchange."""
    rung: bool = False
    early: bool = False
    up: bool = False
    heard: tuple[str, ...] = ()
    """Names of the words that are being said to it."""
    prompt: int = 0
    loops: bool = False
    language: str = ""
    with_: str = ""
    recorded: str = ""
    dial: effects.Dial | None = None


class Plant:
    def __init__(self, site: Site = SITE, settings: Settings | None = None) -> None:
        self.site = site
        self.settings = settings or Settings()
        self.exchange = Exchange(site, self.settings, "run1")
        self.tracker = CallTracker("sip/here", via="sip")
        self.now = START
        self.devices: dict[str, Device] = {}
        self.over: dict[str, str] = {}
        """Leg -> how the exchange ended it."""
        self.timers: dict[inputs.TimerId, float] = {}
        self.facts: list[facts.Fact] = []
        self.events: list[Event] = []
        self.reports: dict[str, effects.Report] = {}
        self.dialled: list[tuple[float, str]] = []
        """When (seconds from the start) whom."""
        self.acks = True
        """Whether callers acknowledge an answer at once."""
        self.unacknowledged: list[str] = []
        """Legs of callers who were answered, and have not said that they heard it."""
        self._calls = 0

    # --- what happens -------------------------------------------------------------------------------

    def feed(self, item: inputs.Input) -> list[effects.Effect]:
        done = self.exchange.feed(item, self.now)
        self.apply(done)
        while self.acks and self.unacknowledged:
            self.acknowledges(self.unacknowledged[0])
        return done

    def acknowledges(self, leg: str) -> None:
        """A caller says that it heard our answer."""
        self.unacknowledged.remove(leg)
        self.apply(self.exchange.feed(inputs.Answered(leg), self.now))

    def call(self, endpoint: str, dialled: str = "9110", caller: str = "", key: str = "") -> str:
        """A device calls; return its leg."""
        self._calls += 1
        leg = f"in-{self._calls}"
        self.devices[leg] = Device(leg, endpoint, calls=True)
        self.feed(
            inputs.Offered(
                leg=leg,
                key=(key or f"call-{self._calls}@phone", "tag"),
                endpoint=endpoint,
                dialled=dialled,
                caller=caller,
            )
        )
        return leg

    def ring(self, endpoint: str) -> None:
        self.feed(inputs.Provisional(self.at(endpoint), ringing=True))

    def ring_all(self) -> None:
        for device in self.ringing():
            self.feed(inputs.Provisional(device.leg, ringing=True))

    def answer(self, endpoint: str) -> None:
        leg = self.at(endpoint)
        self.devices[leg].up = True
        self.feed(inputs.Answered(leg))

    def refuse(self, endpoint: str, status: int = 486) -> None:
        leg = self.at(endpoint)
        del self.devices[leg]
        self.feed(inputs.Refused(leg, status))

    def hang_up(self, leg: str, *, hung_up: bool = True) -> None:
        """The device hangs up. leg: or its endpoint, where it is called."""
        if leg not in self.devices:
            leg = self.at(leg)
        device = self.devices.pop(leg)
        self._alone(device)
        self._forgets(leg)
        self.feed(inputs.Ended(leg, hung_up))

    def hears_all(self, endpoint: str) -> None:
        """What is being said to the device is said to its end."""
        device = self.devices[self.at(endpoint)]
        device.heard = ()
        self.feed(inputs.PromptEnded(device.leg, device.prompt))

    def press(self, endpoint: str, digit: str = "1") -> None:
        self.feed(inputs.Digit(self.at(endpoint), digit))

    def takes(self, endpoint: str) -> None:
        """A dispatcher answers and presses 1."""
        self.answer(endpoint)
        self.press(endpoint)

    def notify(self, delivery: str = "d-1", phone: str = "P-03", **more: object) -> effects.Report:
        fields = {"incident": INCIDENT, "mark": "press-1", "group": "shift", **more}
        self.feed(inputs.Notify(delivery=delivery, phone=phone, **fields))  # type: ignore[arg-type]  # of a test
        return self.reports[delivery]

    def recall(self, delivery: str = "d-1", phone: str = "P-03", mark: str = "press-1") -> effects.Report:
        self.feed(inputs.Recall(delivery=delivery, incident=INCIDENT, mark=mark, phone=phone))
        return self.reports[delivery]

    def clicks(
        self, delivery: str = "d-9", phone: str = "P-03", mark: str = "press-1", **more: object
    ) -> effects.Report:
        fields = {"incident": INCIDENT, "mark": mark, "by": "olga", **more}
        self.feed(inputs.Taken(delivery=delivery, phone=phone, **fields))  # type: ignore[arg-type]  # of a test
        return self.reports[delivery]

    def clears(self, delivery: str = "d-8", phone: str = "P-03", call: str = "") -> effects.Report:
        """Somebody resolves the incident. call: the phone's newest one that the bridge knows of."""
        command = inputs.Cleared(
            delivery=delivery, incident=INCIDENT, mark="press-1", phone=phone, by="olga", call=call
        )
        self.feed(command)
        return self.reports[delivery]

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [(at, timer.what, timer) for timer, at in self.timers.items() if at <= end]:
            self.now, _, timer = min(due, key=lambda row: row[:2])
            del self.timers[timer]
            self.feed(inputs.Due(timer))
        self.now = end

    # --- what is seen -------------------------------------------------------------------------------

    def at(self, endpoint: str) -> str:
        """The one leg on which `endpoint` is called."""
        legs = [
            device.leg for device in self.devices.values() if device.endpoint == endpoint and not device.calls
        ]
        assert len(legs) == 1, f"{endpoint} has {len(legs)} calls"
        return legs[0]

    def ringing(self) -> list[Device]:
        return [device for device in self.devices.values() if not device.calls and not device.up]

    def rung(self) -> list[str]:
        """Who is being called right now."""
        return sorted(device.endpoint for device in self.ringing())

    def hears(self, endpoint_or_leg: str) -> tuple[str, ...]:
        leg = endpoint_or_leg if endpoint_or_leg in self.devices else self.at(endpoint_or_leg)
        return self.devices[leg].heard

    def talk(self, leg: str, endpoint: str) -> bool:
        """Whether the caller's leg and the called endpoint hear each other."""
        return self.devices[leg].with_ == self.at(endpoint)

    def said(self, name: str) -> list[facts.Said]:
        return [fact for fact in self.facts if isinstance(fact, facts.Said) and fact.name == name]

    def kinds(self, key: str = "") -> list[str]:
        return [str(event.kind) for event in self.events if not key or event.key == key]

    # --- the strict eye -----------------------------------------------------------------------------

    def apply(self, done: list[effects.Effect]) -> None:
        for effect in done:
            self._apply(effect)

    def _apply(self, effect: effects.Effect) -> None:  # noqa: PLR0912  one case a kind of effect
        match effect:
            case effects.Dial():
                self._dial(effect)
            case effects.Ring():
                self._caller(effect.leg).rung = True
            case effects.EarlyMedia():
                self._caller(effect.leg).early = True
            case effects.Answer():
                self._caller(effect.leg).up = True
                self.unacknowledged.append(effect.leg)
            case effects.Reject():
                self._caller(effect.leg)
                self._end(effect.leg, f"rejected {effect.status}")
            case effects.Cancel():
                assert not self.devices[effect.leg].up or self.devices[effect.leg].calls
                self._end(effect.leg, f"cancelled: {effect.why}")
            case effects.HangUp():
                self._end(effect.leg, f"hung up: {effect.why}")
            case effects.Join():
                one, other = self.devices[effect.one], self.devices[effect.other]
                for device in (one, other):
                    assert device.up, "joined before it was answered"
                    assert not device.with_, "joined twice"
                    assert not device.heard, "something is still being said"
                one.with_, other.with_ = other.leg, one.leg
            case effects.Part():
                self._alone(self.devices[effect.leg])
            case effects.Play():
                self._play(effect)
            case effects.StopPlaying():
                assert self.devices[effect.leg].heard
                self.devices[effect.leg].heard = ()
            case effects.StartRecording():
                assert not self.devices[effect.leg].recorded
                self.devices[effect.leg].recorded = effect.file
            case effects.StopRecording():
                assert self.devices[effect.leg].recorded
            case effects.SetTimer():
                assert effect.after >= 0
                self.timers[effect.timer] = self.now + effect.after
            case effects.ClearTimer():
                del self.timers[effect.timer]
            case effects.Tell():
                self.facts.append(effect.fact)
                self.events += self.tracker.feed(effect.fact)
            case effects.Report():
                assert effect.delivery not in self.reports or effect.outcome is effects.Outcome.KNOWN
                self.reports[effect.delivery] = effect

    def _dial(self, dial: effects.Dial) -> None:
        assert dial.leg not in self.devices
        assert dial.leg not in self.over
        assert dial.endpoint in self.site.endpoints, "dialled outside of the site"
        if dial.endpoint.startswith("help-") and not dial.on_behalf_of:
            busy = [device for device in self.devices.values() if device.endpoint == dial.endpoint]
            assert not busy, "a phone that has a call is dialled"
        self.devices[dial.leg] = Device(dial.leg, dial.endpoint, calls=False, dial=dial)
        self.dialled.append((round(self.now - START, 3), dial.endpoint))

    def _caller(self, leg: str) -> Device:
        device = self.devices[leg]
        assert device.calls, "it did not call"
        assert not device.up, "it was answered already"
        return device

    def _play(self, play: effects.Play) -> None:
        device = self.devices[play.leg]
        assert device.up or device.early, "nobody hears this"
        assert play.number > device.prompt
        assert play.words
        device.heard = tuple(word.name for word in play.words)
        device.prompt, device.loops, device.language = play.number, play.loop, play.language

    def _end(self, leg: str, how: str) -> None:
        self._alone(self.devices.pop(leg))
        self._forgets(leg)
        self.over[leg] = how

    def _forgets(self, leg: str) -> None:
        if leg in self.unacknowledged:
            self.unacknowledged.remove(leg)

    def _alone(self, device: Device) -> None:
        if (other := self.devices.get(device.with_)) is not None:
            other.with_ = ""
        device.with_ = ""


INCIDENT = "5f1d3c1e-0000-5000-8000-000000000001"
