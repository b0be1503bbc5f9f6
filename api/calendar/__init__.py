"""Trading days and sessions."""
