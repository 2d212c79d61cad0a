"""Phones, cameras and consoles as lists: CSV or a VMS's inventory on one side, the site file on the other.

Used by `sosbridge import` and `sosbridge export`; not a command itself.
"""
