"""Our own API: DRF and OpenAPI."""
