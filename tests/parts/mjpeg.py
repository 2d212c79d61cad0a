"""A network camera: a motion-JPEG stream over HTTP, and Axis PTZ commands that it writes down.

camera = MjpegCamera(); camera.start()
camera.url                       # http://127.0.0.1:PORT/stream.mjpg
camera.stop(); camera.start()    # dead, and back on the same port
camera.freeze(); camera.thaw()   # connected, but no picture comes
camera.commands                  # ["gotoserverpresetno=7", ...] asked of /axis-cgi/com/ptz.cgi
"""

from __future__ import annotations

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Self
from urllib.parse import urlsplit

from tests.parts.jpeg import moving_bar
from tests.parts.ports import LOOPBACK, free_port

WIDTH: Final = 320
HEIGHT: Final = 240
_BOUNDARY: Final = "frame"


class MjpegCamera:
    """One camera on its own port. fps: pictures a second."""

    def __init__(self, *, fps: float = 10.0) -> None:
        self.port = free_port()
        self.fps = fps
        self.commands: list[str] = []
        self.pictures = [moving_bar(WIDTH, HEIGHT, position) for position in range(WIDTH // 8)]
        self.showing = threading.Event()
        self.showing.set()
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/stream.mjpg"

    @property
    def address(self) -> str:
        """Where its PTZ commands go."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Switch it on. Safe to repeat."""
        if self._server is None:
            self._server = _Server(self)
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Switch it off: streams break, new connections are refused. Safe to repeat."""
        if self._server is not None:
            server, self._server = self._server, None
            server.switch_off()

    def freeze(self) -> None:
        """Keep every connection open and send no picture."""
        self.showing.clear()

    def thaw(self) -> None:
        """Go on after `freeze`."""
        self.showing.set()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, camera: MjpegCamera) -> None:
        self.camera = camera
        self.off = False
        self._connections: set[socket.socket] = set()
        super().__init__((LOOPBACK, camera.port), _Request)

    def process_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]  # mypy: typeshed allows UDP's (bytes, socket) too
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]  # as above
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that leave are what a camera lives with."""

    def switch_off(self) -> None:
        self.off = True
        self.shutdown()
        self.server_close()
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client was faster


class _Request(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == "/stream.mjpg":
            self._stream()
        elif address.path == "/axis-cgi/com/ptz.cgi":
            self.server.camera.commands.append(address.query)
            self._text("")
        elif address.path == "/axis-cgi/param.cgi":
            self._text("Properties.PTZ.PTZ=yes\n")
        else:
            self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Print nothing."""

    def _text(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def _stream(self) -> None:
        camera = self.server.camera
        self.send_response(200)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        self.end_headers()
        number = 0
        while not self.server.off:
            if not camera.showing.wait(0.1):
                continue
            picture = camera.pictures[number % len(camera.pictures)]
            head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
            self.wfile.write(head.encode() + picture + b"\r\n")
            number += 1
            time.sleep(1 / camera.fps)
