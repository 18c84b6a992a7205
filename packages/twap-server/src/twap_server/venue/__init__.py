"""Simulate exchanges on loopback: real wire protocols, served from a recording or a synthetic market."""
