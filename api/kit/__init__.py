"""Helpers without a word of trading."""
