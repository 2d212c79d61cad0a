"""Video systems that exist only here: a server per dialect, written from its vendor's interface.

server.py      HTTP/1.1 on asyncio streams: parses, records, answers
faults.py      what a server can do wrong, down to the byte
http.py        a generic REST dialect with screens, presets, pop-ups and recordings
zoneminder.py  the part of ZoneMinder's interface that the bridge uses
"""
