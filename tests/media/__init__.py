"""Tests of bridge.protocols.media: the pure parts by tables and properties, the process with real sockets."""
