"""Jobs: one short function each, context → service call → report."""
