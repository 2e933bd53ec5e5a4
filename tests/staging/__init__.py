"""huggingface_hub's own test suite, unmodified, against a site of ours; see `tests/staging/__main__.py`."""
