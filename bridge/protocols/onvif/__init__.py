"""ONVIF, as far as an alarm needs it: device, media, PTZ and event service of a camera.

device_url.py   the settings: where a device is, and its user
soap.py         envelopes: written, read with bounds, and what a fault means
security.py     the WS-Security UsernameToken
http_digest.py  HTTP Digest, for cameras that want that instead
addresses.py    what a camera says of its own addresses, as paths on the host that we connected to
device.py, media.py, ptz.py, events.py   the messages of each service, built and read; pure
session.py      one camera's link: its clock, its kind of authentication, a question and its answer
camera.py       presets, positions, snapshots, outputs
pull_point.py   a subscription to the camera's events

Sources: the ONVIF Core, Media, PTZ and Device IO service specifications and their WSDL files
(www.onvif.org/profiles/specifications), SOAP 1.2, WS-Security UsernameToken Profile 1.0, WS-Addressing 1.0,
WS-BaseNotification 1.3. Prefixes are read as the documents write them: only local names are compared, since
cameras are known to leave namespaces out.
"""
