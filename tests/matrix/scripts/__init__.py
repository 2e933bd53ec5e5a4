"""Scripts that run inside the clients' own environments; nothing here is imported by the tests."""

from pathlib import Path

SCRIPTS = Path(__file__).parent
