"""Work the open orders: find what is due, decide, record, publish."""
