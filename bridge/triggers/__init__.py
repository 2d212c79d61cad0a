"""Where events come from: one module (or package) a source, each exposing `Config` and `Trigger`.

`type: ami` in the configuration finds `bridge.triggers.ami`; the module is the registration.
"""
