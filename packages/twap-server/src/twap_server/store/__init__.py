"""Store orders, accounts and instruments: the only SQL of the server."""
