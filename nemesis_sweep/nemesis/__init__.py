"""Nemesis: the norm losses PUN and PAN, their annealing, and corruption of context vectors."""
