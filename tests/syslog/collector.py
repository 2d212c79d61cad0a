"""A syslog server as a process of its own, to be stopped and killed: `collector.py PORT FILE [CERT [CA]]`.

Without a certificate it takes UDP and TCP on the port, with one TLS; with a CA it wants a certificate of its
clients. Each message is a line of FILE, as hexadecimal digits, before the next is looked at. It knows nothing
of the bridge, and takes its time, so that a kill finds it in the middle of something.
"""

from __future__ import annotations

import os
import random
import re
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable

FRAME = re.compile(rb"([1-9][0-9]*) ")
LISTENING = "listening"


def main(port: int, file: str, certificate: str = "", authority: str = "") -> None:
    record = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def keep(message: bytes) -> None:
        os.write(record, message.hex().encode() + b"\n")
        time.sleep(random.choice((0, 0, 0.001, 0.003)))

    context = server_side(certificate, authority) if certificate else None
    listener = socket.create_server(("127.0.0.1", port), backlog=20)
    if context is None:
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.bind(("127.0.0.1", port))
        threading.Thread(target=take_datagrams, args=(datagrams, keep), daemon=True).start()
    print(LISTENING, flush=True)
    while True:
        link, _ = listener.accept()
        threading.Thread(target=take_stream, args=(link, context, keep), daemon=True).start()


def server_side(certificate: str, authority: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if authority:
        context.load_verify_locations(authority)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def take_datagrams(link: socket.socket, keep: Callable[[bytes], None]) -> None:
    while True:
        keep(link.recv(65536))


def take_stream(link: socket.socket, context: ssl.SSLContext | None, keep: Callable[[bytes], None]) -> None:
    stream = b""
    try:
        if context is not None:
            link = context.wrap_socket(link, server_side=True)
        while received := link.recv(random.choice((64, 700, 4096))):
            stream += received
            while (counted := FRAME.match(stream)) and len(stream) >= counted.end() + int(counted[1]):
                end = counted.end() + int(counted[1])
                keep(stream[counted.end() : end])
                stream = stream[end:]
    except OSError as error:
        print(error, flush=True)
    finally:
        link.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
