"""Translate for Gemini (spot)."""
