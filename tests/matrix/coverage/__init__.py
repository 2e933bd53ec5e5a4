"""What docs/coverage.md says, made from the URL conf, a line written for each route, and what the tests saw."""
