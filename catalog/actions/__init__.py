"""Every change of state: one verb each, keyword-only, in one transaction."""
