"""Measurements on real parts: `make bench`. docs/benchmarks.md says what they show and how to read them."""
