"""Watches the process itself: how late its event loop runs, what the garbage collector costs."""
