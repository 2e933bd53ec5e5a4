"""Bytes on their way in: upload sessions, LFS parts, Xet xorbs and shards."""
