"""Allocation plans: how a block is divided over funds and accounts."""
