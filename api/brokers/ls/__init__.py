"""LS증권 Open API: the adapter, and all that knows a TR code or a field name of LS."""
