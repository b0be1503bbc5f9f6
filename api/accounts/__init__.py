"""Broker accounts: whose they are, what members may do, and their money at the broker."""
