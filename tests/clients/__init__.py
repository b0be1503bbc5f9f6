"""Client libraries that strangers published for KIS and LS, driven against the sandbox as they are: only host names lead elsewhere."""
