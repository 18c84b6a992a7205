"""The Kraken v2 protocol as the venue speaks it."""
