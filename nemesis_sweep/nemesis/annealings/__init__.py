"""Omega(e): how the weight of the norm loss changes over the epochs, an annealing a file."""
