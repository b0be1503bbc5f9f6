"""Public offerings (공모주): what is known of each, kept with its history, and what follows from it."""
