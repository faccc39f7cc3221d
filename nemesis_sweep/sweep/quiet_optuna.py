"""What Optuna would print by itself."""

import warnings

import optuna


def quiet_optuna() -> None:
    """Keep Optuna's warnings and its log of every trial off the screen: what matters is told in our words.

    From Python 3.12 on its warnings seem to come from the code that calls it.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", module=r"optuna|nemesis_sweep\.sweep")
