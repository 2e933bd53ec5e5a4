"""`manage.py up`: everything the marketplace needs, from one command, stopped by one Ctrl-C (ADR 0003)."""
