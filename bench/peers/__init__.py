"""The Python peers: each a program of its own, run with the Python of an environment of its own.

Nothing here is imported by the rest of bench, and nothing here imports it: neither environment has both.
"""
