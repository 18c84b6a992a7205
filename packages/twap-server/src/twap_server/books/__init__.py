"""Remember the live market: one book per instrument, and how far it can be trusted."""
