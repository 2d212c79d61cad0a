"""The PBX of the benches, and waves of SOS calls at it: one sipp, every call from a phone of its own.

The phones are behind one gateway and differ by their numbers, as analogue help points do: thousands of
endpoints would only make Asterisk slower to start.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from tests.parts.asterisk import Asterisk, Endpoint
from tests.parts.sip import Phone, Sipp
from tests.parts.sipp_scenarios import calls_and_is_refused

GATEWAY: Final = "gateway"
SOS: Final = "9110"
SOS_WITH_CURL: Final = "9119"
USER: Final = "lab"
SECRET: Final = "lab-secret"
RINGS: Final = 0.3
"""Seconds from an SOS to its refusal by the dialplan: nobody answers in a bench."""
_NUMBER: Final = re.compile(r"sip:(\d+)@")

# What the dialplan does makes the events: about 22 a call, as an SOS extension with a queue or an
# announcement has. The account of the benches reads every class, so that its clients must take all of them.
EXTENSIONS: Final = f"""\
[general]
static=yes
writeprotect=yes
[globals]
[sos]
exten => {SOS},1,Set(__SOS_KIND=sos)
 same => n,Set(__SOS_PHONE=${{CALLERID(num)}})
 same => n,UserEvent(SOSCall,SosUid: ${{UNIQUEID}},Exten: ${{EXTEN}},Phone: ${{SOS_PHONE}})
 same => n,Ringing()
 same => n,Wait({RINGS})
 same => n,Hangup(17)
exten => {SOS_WITH_CURL},1,Set(TOLD=${{CURL(@VMS_URL@/curl/${{CALLERID(num)}},uniqueid=${{UNIQUEID}})}})
 same => n,Hangup(17)
"""
IDENTIFY: Final = f"[{GATEWAY}-lines]\ntype=identify\nendpoint={GATEWAY}\nmatch=127.0.0.1\n"


@dataclass(frozen=True)
class Wave:
    """What sipp says of the calls it made. invited: phone number -> when its INVITE left (UTC)."""

    invited: Mapping[str, float]
    seconds: float
    """From the first INVITE to the last."""

    @property
    def rate(self) -> float:
        return (len(self.invited) - 1) / self.seconds if self.seconds else 0.0


class Pbx:
    """One Asterisk 22 with the alarm extensions."""

    def __init__(self, vms_url: str) -> None:
        self.asterisk = Asterisk(
            "22",
            files={"extensions.conf": EXTENSIONS.replace("@VMS_URL@", vms_url)},
            append={"pjsip.conf": IDENTIFY},
            endpoints=[Endpoint(name=GATEWAY, context="sos")],
            rtp_ports=2000,
        )

    def __enter__(self) -> Self:
        self.asterisk.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.asterisk.close()

    @property
    def ami_port(self) -> int:
        return self.asterisk.ami_port

    def call(self, prefix: str, calls: int, rate: float, *, extension: str = SOS) -> Wave:
        """Make `calls` SOS calls at `rate` a second and wait until the last is over.

        The phones' numbers are `prefix` and a count from 1. Raises PartError if a call went otherwise.
        """
        scenario = calls_and_is_refused(Phone(f"{prefix}[call_number]"), 486)
        with Sipp(
            scenario,
            remote_port=self.asterisk.sip_port,
            dialled=extension,
            calls_wanted=calls,
            rate=rate,
        ) as sipp:
            sipp.finish(calls / rate + 60)
            invited: dict[str, float] = {}
            for message in sipp.sent("INVITE"):  # the first of each: sipp repeats one that gets no answer
                found = _NUMBER.search(message.header("From"))
                if found:
                    invited.setdefault(found[1], message.at)
        times = invited.values()
        return Wave(invited, max(times) - min(times))

    def wait_quiet(self) -> None:
        """Wait until no channel is left."""
        while self.asterisk.channels():
            time.sleep(0.1)
