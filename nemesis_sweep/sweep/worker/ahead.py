"""A process beside Ray's that measures trials which train nothing.

Started as `python -m nemesis_sweep.sweep.worker.ahead`, it reads a configuration, as Ray Tune gives it to a
worker, from each line of its input. It answers each with a line that holds the trial's last report, or with
`{}` where a worker should rather do it. It ends with its input, so that it never outlives the driver.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nemesis_sweep.spec.values import Values
    from nemesis_sweep.sweep.trial_spec import JointTrialSpec, TrialSpec

NVIDIA = Path("/dev/nvidiactl")
"""There where the machine has a GPU, with which workers encode pictures far faster than this process."""


def main() -> None:
    """Answer until the input ends."""
    # What libraries print must not stand among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    asked: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_read, args=(asked,), daemon=True).start()
    while True:
        answers.write(json.dumps(_measured(json.loads(asked.get()))) + "\n")
        answers.flush()


def _read(asked: SimpleQueue[str]) -> None:
    for line in sys.stdin:
        asked.put(line)
    # Whatever is being measured: nobody waits for it any more.
    os._exit(0)


def _measured(config: Values) -> Values:
    """The last report of a trial; empty where it raised: a worker meets the same and says what it is."""
    try:
        import torch

        from nemesis_sweep.sweep.trial_spec import read_trial_spec
        from nemesis_sweep.sweep.worker.joint_trial import open_session

        spec = read_trial_spec(config)
        if NVIDIA.exists() and not _has_features(spec):
            return {}
        torch.set_num_threads(spec.threads)
        session = open_session(spec)
        while not (told := session.advance()).done:
            pass
        return told.to_json()
    except Exception:
        return {}


def _has_features(spec: TrialSpec | JointTrialSpec) -> bool:
    """Whether nothing has to be encoded for a trial."""
    from nemesis_sweep.data.store import missing_pictures
    from nemesis_sweep.sweep.trial_spec import parts_of
    from nemesis_sweep.sweep.worker import worker_cache

    for part in parts_of(spec):
        frozen = worker_cache.towers(part.task.backbone, part.method.precision, part.task.start)
        drawn = worker_cache.arranged(part.task, part.seeds, part.home)
        views = part.method.epochs if part.method.views == "epochs" else int(part.method.views)
        train = [item for episode in drawn.episodes for item in episode.train]
        others = [item for episode in drawn.episodes for item in episode.val]
        others += [item for data in (drawn.source, *drawn.targets.values()) for item in data.test]
        if missing_pictures(frozen, views, train) or missing_pictures(frozen, 1, others):
            return False
    return True


if __name__ == "__main__":
    main()
