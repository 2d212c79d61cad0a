"""Fuzzing of the SIP parser and the user agent: guided by coverage for minutes, a fixed slice in the tests.

`story` is what one input does, `seeds` what it begins with, `coverage` the run of `make fuzz`; `finds` holds
every input that ever broke something, and the tests play them all.
"""
