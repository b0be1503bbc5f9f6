"""Lucy's JSON API, and all that it shares with the worker."""

__version__ = "0.1.0"
