"""Translate. Pure: an exchange is described here, nothing is sent from here."""
