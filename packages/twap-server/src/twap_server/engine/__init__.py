"""Execute orders: accept them, wake for due slices, match against books, record, then publish."""
