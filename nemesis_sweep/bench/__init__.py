"""Measuring the training step against the published way of doing it, on the machine at hand."""
