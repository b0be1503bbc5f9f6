"""What can go wrong when Lucy runs everything on one machine."""


class LocalError(Exception):
    """Something on this machine stands in the way; the message is one line that says what to do."""


INSTEAD = "set MONGODB_URL and REDIS_URL to servers of your own, or use docker-compose.yml"
"""The way out where an embedded server cannot run."""
