"""Other tools in the same race: one module each."""
