"""Execution streams: which accounts this worker listens to, and the listening itself."""
