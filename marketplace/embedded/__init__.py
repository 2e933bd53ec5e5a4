"""PostgreSQL and Redis as children of ours, run from the binaries inside two pip packages (ADR 0001 to 0003)."""
