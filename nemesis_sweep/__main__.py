"""`python -m nemesis_sweep` is `nemesis-sweep`."""

from nemesis_sweep.cli import main

main(prog_name="nemesis-sweep")
