"""Where homes stand that were given no place of their own. Imported by every verb, so it imports little."""

from pathlib import Path

SWEEPS = Path("sweeps")
