"""Health and figures of the running system."""
