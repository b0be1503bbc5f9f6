"""주달: themes and their stocks."""
