"""Orders: placing by the rule of one send, cancel, replace, notices, fills, reconciliation."""
