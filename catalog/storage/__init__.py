"""Where the bytes live: by sha256, on a local disk or on S3; no models, no settings."""
