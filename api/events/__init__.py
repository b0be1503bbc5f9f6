"""Events: from a committed change to every listener, in order, each once."""
