"""Video systems that exist only here: a server per dialect, written from its vendor's interface.

server.py      HTTP/1.1 on asyncio streams: parses, records, answers
faults.py      what a server can do wrong, down to the byte
genetec.py     the part of Genetec Security Center's Web SDK that the bridge uses
http.py        a generic REST dialect with screens, presets, pop-ups and recordings
onvif_camera.py  a PTZ camera with inputs and outputs, and the habits of bad ones
frigate.py     the part of Frigate's interface that the bridge uses, with its web socket
zoneminder.py  the part of ZoneMinder's interface that the bridge uses
"""
