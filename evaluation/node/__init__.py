"""The agent on a machine that evaluates: HTTP only, no ORM, no torch; untrusted by the hub (decision 9)."""
