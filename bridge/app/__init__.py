"""The running bridge: `App`, made of one site. Called by `cli.run` and `cli.demo`."""

from bridge.app.app import App, install_signals

__all__ = ["App", "install_signals"]
