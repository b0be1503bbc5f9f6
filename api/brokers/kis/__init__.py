"""KIS (Korea Investment & Securities, 한국투자증권) Open API, domestic stocks."""
