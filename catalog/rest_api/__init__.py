"""The API in our own words, for programs."""
