"""twap_server."""
