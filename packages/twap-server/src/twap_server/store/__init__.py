"""Where orders, accounts and instruments are kept: the only SQL of the server."""
