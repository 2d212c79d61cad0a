"""Who is measured: sosbridge, and the two things that a PBX administrator would do instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final

from bench.agent import AsteriskAgent
from bench.pbx import SOS, SOS_WITH_CURL, Pbx
from bench.site import ami_pbx, site_of
from bench.sosbridge import Sosbridge
from bench.vms import VmsStub


@dataclass(frozen=True)
class Contender:
    """One way from a call to a request at the video system.

    start: runs it for phones with these numbers, gives its process if it has one; raises PeerError where it
        cannot run.
    number: finds the phone's number in its requests.
    extension: what the phones dial.
    """

    name: str
    start: Callable[[Pbx, VmsStub, Sequence[str]], AbstractContextManager[Sosbridge | AsteriskAgent | None]]
    number: re.Pattern[str]
    extension: str = SOS


@contextmanager
def _no_process(_pbx: Pbx, _vms: VmsStub, _numbers: Sequence[str]) -> Iterator[None]:
    """Asterisk does it itself."""
    yield


SOSBRIDGE: Final = Contender(
    "sosbridge",
    lambda pbx, vms, numbers: Sosbridge(lambda: site_of(numbers, pbx=ami_pbx(pbx.ami_port), vms_url=vms.url)),
    re.compile(r"^/recording/(\d+)$"),
)
CURL: Final = Contender("CURL() in the dialplan", _no_process, re.compile(r"^/curl/(\d+)$"), SOS_WITH_CURL)
AGENT: Final = Contender(
    "asterisk-agent",
    lambda pbx, vms, _: AsteriskAgent(ami_port=pbx.ami_port, webhook_url=vms.url),
    re.compile(r'"CallerIDNum": "(\d+)"'),
)
