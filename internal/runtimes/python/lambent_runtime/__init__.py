"""Lambent's Python runtime: it runs a function's handler for one instance.

Standard library only, syntax of Python 3.6. A module that is not needed to answer a
plain event is imported when it is needed: the start is somebody's latency.
"""
