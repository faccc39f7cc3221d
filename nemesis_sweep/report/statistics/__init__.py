"""What can be said about scores over replicates and tasks: numbers in, numbers out, one statistic a file.

No file here imports torch, Optuna, Ray or MLflow. Scores and gains are accuracies in percent, higher is
better. What cannot be computed is None, and ``why`` of the result says in words what is missing.
"""

from nemesis_sweep.report.statistics.gain import Gain, paired_gain
from nemesis_sweep.report.statistics.replicates import Score, rounded, score

__all__ = ["Gain", "Score", "paired_gain", "rounded", "score"]
