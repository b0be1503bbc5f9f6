"""Jobs: what runs by itself, when, and what became of each run. The worker does the work (`worker.jobs`)."""
