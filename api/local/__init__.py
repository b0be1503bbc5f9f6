"""``lucy up``: everything on one machine. Only ``api/cli.py`` imports this package, and the tests."""
