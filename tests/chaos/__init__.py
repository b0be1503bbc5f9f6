"""Load, kills and faults at random, then a count to the last share: `python -m tests.chaos`."""
