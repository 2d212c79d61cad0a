"""Tests of sosbridge. `tests/parts` starts the real parts they run against."""
