"""Simulated SIP telephones: they register, dial, ring, answer, press keys, talk and listen.

    async with Voice(clock, folder) as voice, Phone("4103", voice, exchange=("127.0.0.1", 5060)) as phone:
        await phone.register()
        call = await phone.dial("9110")
        await call.until_answered()
        await call.press("1")
        await call.until_hears(Kind.TONE, hertz=440)
        call.hang_up()

Several phones share one media child. `phone` is a telephone, `call` a call at it, `line` its SIP, `voice` its
sound, `ear` what it makes of what it hears, `tones` what it says where it has no voice. For demo, drills,
tests and benches.
"""

from bridge.simulator.phones.call import NotConnected, PhoneCall
from bridge.simulator.phones.ear import Heard, Kind, listen
from bridge.simulator.phones.line import Line
from bridge.simulator.phones.phone import NotRegistered, Phone
from bridge.simulator.phones.tones import write_tone
from bridge.simulator.phones.voice import Voice

__all__ = [
    "Heard",
    "Kind",
    "Line",
    "NotConnected",
    "NotRegistered",
    "Phone",
    "PhoneCall",
    "Voice",
    "listen",
    "write_tone",
]
