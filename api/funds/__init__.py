"""Funds: money and positions of their own, also where several share one broker account."""
