"""`make bench`: figures of this machine, beside direct calls to the sandbox. No pass or fail."""
