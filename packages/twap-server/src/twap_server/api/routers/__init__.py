"""One module per group of routes; they raise and hold no ``try``."""
