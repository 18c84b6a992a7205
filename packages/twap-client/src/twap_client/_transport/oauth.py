"""Import authlib's OAuth2 client without its advice to use httpx2.

This project stands on httpx, and both must not meet in one environment: their exception classes differ. The
advice would reach the user of every command, who can do nothing about it.
"""

import warnings

from authlib.deprecate import AuthlibDeprecationWarning  # type: ignore[import-untyped]

with warnings.catch_warnings():
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.httpx_client import (  # type: ignore[import-untyped]
        AsyncOAuth2Client,
        OAuthError,
    )

__all__ = ["AsyncOAuth2Client", "OAuthError"]
