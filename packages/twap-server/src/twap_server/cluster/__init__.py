"""Runs the stages as processes of their own, over NATS and PostgreSQL: see docs/scale-out.md."""
