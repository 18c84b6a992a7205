"""Exchanges on loopback: the wire protocols of real venues, served from a recording or a synthetic market."""
