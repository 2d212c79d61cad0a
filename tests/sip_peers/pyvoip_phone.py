"""pyVoIP 1.6.8 as a telephone of its own: registers, calls, presses 1, hangs up, and says each on stdout.

    python pyvoip_phone.py SERVER_PORT OWN_PORT RTP_PORT

It is GPL-3, so it is run, by itself, and never imported by anything else. It can hear keys but has nothing to
press them with: the packets of RFC 4733 are made here and sent through its own RTP socket, in its stream.
"""

from __future__ import annotations

import struct
import sys
import time
from typing import Any

from pyVoIP.VoIP import CallState, PhoneStatus, VoIPPhone

EVENTS = 101
DURATION = 1280


def wait(true: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            sys.exit(f"timeout in line {sys._getframe(1).f_lineno}")
        time.sleep(0.01)


def press(call: Any, digit: int) -> None:
    """Send one key as three packets while it is down and three that it is up (RFC 4733 section 2.5.1.4)."""
    stream = call.RTPClients[0]
    begun = stream.outTimestamp
    for count in range(6):
        up = count >= 3
        duration = min(DURATION, 160 * (count + 1) * 2)
        kind = EVENTS | (0x80 if count == 0 else 0)
        sequence = (stream.outSequence + count) % 65_536
        head = struct.pack("!BBHII", 0x80, kind, sequence, begun % 2**32, stream.outSSRC)
        event = struct.pack("!BBH", digit, 0x80 if up else 0, DURATION if up else duration)
        stream.sout.sendto(head + event, (stream.outIP, stream.outPort))
        time.sleep(0.02)


def main(server: int, own: int, rtp: int) -> None:
    phone = VoIPPhone(
        "127.0.0.1", server, "9103", "pw", myIP="127.0.0.1", sipPort=own, rtpPortLow=rtp, rtpPortHigh=rtp + 7
    )
    phone.start()
    wait(lambda: phone.get_status() == PhoneStatus.REGISTERED)
    print("registered", flush=True)
    call = phone.call("9110")
    wait(lambda: call.state == CallState.ANSWERED)
    print("answered", flush=True)
    press(call, 1)
    time.sleep(0.1)
    heard = ""
    while not heard:  # until whoever started this loses patience
        time.sleep(0.01)
        heard = call.get_dtmf()
    print("heard", heard, flush=True)
    call.hangup()
    wait(lambda: call.state == CallState.ENDED)
    print("hung up", flush=True)
    phone.stop()
    print("stopped", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
