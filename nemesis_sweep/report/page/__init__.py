"""`nemesis-sweep report`: a page, figures and tables of one sweep or of several, from their records alone.

A table is one file in ``tables/``, a figure in ``figures/``, a line of text in ``notes/``; each holds a
``PIECE`` (``pieces.Piece``), and nothing else names it. Torch, Ray and MLflow are never imported.
"""
