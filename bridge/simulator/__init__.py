"""The plant in a box: peers that speak the real protocols, and misbehave on demand.

Used by the demo, by drills, trainings, tests and benches; never by a running site.
"""
