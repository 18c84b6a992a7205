"""Authenticate callers: sign-in, tokens, API keys, registration, OpenID Connect."""
