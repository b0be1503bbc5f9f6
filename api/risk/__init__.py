"""What stands between an order and a broker: trading states (the kill switches) and risk limits."""
