"""Block orders: one decision, divided over funds and accounts, worked as ordinary orders, and accounted for line by line."""
