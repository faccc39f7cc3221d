"""Rows that train no prompt: one file for each, all on the cached features of the episodes."""
