"""Acts: accepts orders, wakes for due slices, matches them against books, records, then tells."""
