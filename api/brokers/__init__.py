"""Brokers: the port, and one folder per broker that implements it."""
