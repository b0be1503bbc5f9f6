"""Who changed what: every change of money or rights."""
