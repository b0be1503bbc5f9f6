"""Baskets: many orders at once, all checked before the first is sent."""
