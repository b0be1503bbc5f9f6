"""Signing in: passwords, tokens, API keys, tickets."""
