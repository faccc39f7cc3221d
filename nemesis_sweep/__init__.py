"""Distributed hyperparameter sweeps for soft-prompt tuning of vision-language models."""
