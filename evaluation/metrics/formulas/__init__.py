"""Pure functions from arrays to numbers; each names the library whose numbers it equals."""
