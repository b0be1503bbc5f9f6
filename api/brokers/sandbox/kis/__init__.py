"""The KIS front door of the sandbox: REST and websocket on one port, real and paper told apart by app key and TR id."""
