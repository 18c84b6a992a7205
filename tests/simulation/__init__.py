"""The whole server under virtual time, against scripted exchanges with seeded faults. See docs."""
