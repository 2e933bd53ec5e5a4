"""Datasets of this hub as benchmarks read them: one commit, its files by the Hub's conventions, rows, items.

Nothing here knows the database: whoever calls has found the commit and hands over its files.
"""
