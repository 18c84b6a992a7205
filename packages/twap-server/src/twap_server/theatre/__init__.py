"""The replay theatre: keep a replay frame by frame, and show it in the page, over HTTP, read-only."""
