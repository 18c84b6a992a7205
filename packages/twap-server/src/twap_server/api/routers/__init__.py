"""Serve the routes: one module per group. They raise, and handle no failure themselves."""
