"""Django's PostgreSQL backend with fewer round trips (ADR 0014)."""
