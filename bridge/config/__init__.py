"""The site's configuration: one YAML file -> `Site`, or every mistake in it with its line.

    site = bridge.config.load("/etc/sosbridge/site.yaml")   # raises ConfigError
    plan = site.plan()                                      # what the engine needs, as pure values

`document` reads YAML with line numbers, `sections` says what may be written, `instances` finds drivers
and triggers by their `type`, `references` checks what needs several lines, `table` fills the response
table, `build` makes the objects, `schema` and `effective` print.
"""

from bridge.config.loading import load, load_text, revealed
from bridge.config.problems import SiteError
from bridge.config.site import DriverSettings, Site, TriggerSettings

__all__ = ["DriverSettings", "Site", "SiteError", "TriggerSettings", "load", "load_text", "revealed"]
