"""The small web server: is it alive, is it ready, how does it do. Later the console and the API."""

from bridge.web.app import create_app
from bridge.web.metrics import Metrics
from bridge.web.server import WebServer

__all__ = ["Metrics", "WebServer", "create_app"]
