"""Accounts, teams, sign-in and tokens."""
