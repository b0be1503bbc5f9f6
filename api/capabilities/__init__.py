"""What each broker can do, told from its adapter."""
