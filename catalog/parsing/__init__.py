"""Pure readers of files and names: bytes in, facts out; no Django, no disk, no network."""
