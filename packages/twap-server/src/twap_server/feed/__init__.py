"""Publish and subscribe inside the process, between stages that know something and clients that want it."""
