"""Recompute an order's decisions from a recording: the same books and pure code, at the recorded moments."""
