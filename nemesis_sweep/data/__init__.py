"""Datasets, few-shot episodes, augmented views and the cache of image features."""
