"""Webhooks: a user's events, signed and posted to an address of theirs, at least once and in order."""
