"""The real parts that tests run against: Asterisk, sipp, baresip, ZoneMinder, PostgreSQL.

One module a part. Each starts in a temporary folder on free 127.0.0.1 ports and ends by pid; docs/testing.md
has the overview, tests/conftest.py the fixtures.
"""
