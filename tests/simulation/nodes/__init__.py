"""Several nodes in one virtual time: see docs/simulation.md."""
