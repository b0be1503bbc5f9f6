"""One module for each client library: what a user of it would write. Each runs in a process of its own (`tests.clients.stranger`)."""
