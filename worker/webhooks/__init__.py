"""Webhooks in the worker: who delivers which, and one courier for each."""
