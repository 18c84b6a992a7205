"""twap_client."""
