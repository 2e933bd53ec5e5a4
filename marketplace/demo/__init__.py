"""A small, true example site: models trained here, evaluated and reviewed through the real paths."""
