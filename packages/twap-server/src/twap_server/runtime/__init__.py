"""Watch the process: how late its event loop runs, and what the garbage collector costs."""
