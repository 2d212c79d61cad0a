"""Voice for the standalone user agent: G.711 over RTP, in a process of its own (RFC 3550, 3551, 4733).

`facade` is what the user agent sees: the `Media` protocol, its values and events. Two things keep it:
`builtin` starts the child process in `child/`, `rtpengine` speaks to an rtpengine daemon. The modules beside
them are pure: `rtp`, `rtcp`, `g711`, `telephone_event`, `jitter`, `reception`, `wav`, `wire`, `bencode`.

Nothing is imported here: the child starts with as little as possible.
"""
