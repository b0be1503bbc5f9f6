"""Watch lists: what a user keeps an eye on, and alerts when a price crosses what they set."""
