"""A local market behind the real protocols of KIS and LS, with its own ledger: the ground truth of every test.

Imports nothing of Lucy outside this folder: code that checks must not share the bug it should find.
"""
