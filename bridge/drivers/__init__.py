"""Out of the bridge: one module (or package) for each kind of video system, dispatch or relay.

The module is the registration: `type: zoneminder` in the configuration is `bridge.drivers.zoneminder`,
which exposes a pydantic `Config` (extra=forbid) and a class `Driver` (see `model.Driver`) made by
`Driver(name, config, targets=..., clock=...)`. Drivers do not import each other.
"""
