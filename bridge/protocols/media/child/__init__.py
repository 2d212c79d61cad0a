"""The process that carries the voice: one thread, one epoll loop, two threads for files.

`builtin` starts it as `python -I -m bridge.protocols.media.child DESCRIPTOR SETTINGS`; the descriptor is one
end of a socket pair on which it takes commands (`media/wire.py`). It dies of no input, and when its parent
dies it goes on relaying until no RTP came for a while.

    loop        waits for sockets and timers
    switchboard the commands, and all legs
    leg         one party: `ingress` hears it, `egress` is the stream to it, `programme` what we say ourselves
    sockets     port pairs, connected twins        files      disk work in threads
    recorder    both directions into a WAV file    control    the line to the parent
"""
