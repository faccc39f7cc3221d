"""Learnable prompts: how their context starts, and how it is kept."""
