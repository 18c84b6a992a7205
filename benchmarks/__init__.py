"""Runnable comparisons with other tools, and our own limits. No timed asserts; see docs/performance.md."""
