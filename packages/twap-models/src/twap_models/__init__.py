"""twap_models."""
