"""Keys as other tools and papers call them, and keys that stand in another section here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from nemesis_sweep.messages.errors import nearest

MEANT: Mapping[str, Sequence[str]] = {
    "method.lr": ("learning_rate", "base_lr", "lr0", "learningrate", "step_size", "optim.lr"),
    "method.batch": ("batch_size", "bs", "train_batch_size", "batchsize", "dataloader.train_x.batch_size"),
    "method.epochs": ("num_epochs", "n_epochs", "max_epoch", "max_epochs", "num_train_epochs", "ep", "epoch"),
    "method.weight_decay": ("wd", "l2", "weightdecay", "decay"),
    "method.n_ctx": ("nctx", "context_length", "n_prompt", "num_tokens", "n_vectors", "prompt_length"),
    "method.words": ("ctx_init", "init_words", "prompt_init", "initial_words"),
    "method.class_position": ("class_token_position", "ctp", "class_token"),
    "method.csc": ("class_specific", "class_specific_context"),
    "method.omega": ("norm_strength", "strength", "penalty", "lambda", "a", "lam"),
    "method.corruption": ("tau", "cw", "corruption_weight", "rescale", "scale", "factor"),
    "method.n_positions": ("np", "num_positions", "positions"),
    "method.norm": ("nt", "norm_type"),
    "method.anneal": ("annealing", "omega_schedule"),
    "method.precision": ("prec", "dtype", "amp"),
    "method.prompt": ("trainer", "trainer.name", "algorithm", "learner"),
    "method.views": ("augmentations", "transforms", "n_views", "num_views"),
    "tasks.backbone": ("model", "arch", "architecture", "model_name", "clip_model", "pretrained", "net"),
    "tasks.dataset": ("data", "datasets", "dataset_name", "dataset.name"),
    "tasks.shots": ("num_shots", "n_shots", "k_shot", "k_shots", "n_shot", "fewshot", "shot"),
    "tasks.seeds": ("random_seed", "random_seeds"),
    "tasks.replicates": ("n_seeds", "num_seeds", "repeats", "n_repeats", "runs"),
    "tasks.root": ("data_root", "data_dir", "root_dir", "dataset.root"),
    "search.objective": ("metric", "metrics", "monitor", "goal", "target", "direction", "directions", "mode"),
    "search.sampler": ("searcher", "search_alg", "optimizer", "tuner", "suggester", "sweeper", "method"),
    "search.pruner": ("scheduler", "early_terminate", "early_stopping", "stopper"),
    "search.points": ("initial_points", "points_to_evaluate", "enqueue", "warm_start"),
    "budget.trials": (
        "n_trials",
        "num_trials",
        "max_trials",
        "num_samples",
        "run_cap",
        "n_iter",
        "max_evals",
    ),
    "budget.until": ("terminator",),
    "budget.hours": ("timeout", "time_budget", "time_budget_s", "max_hours"),
    "resources.gpus": ("gpu", "num_gpus", "n_gpus", "gpus_per_trial"),
    "resources.cpus": ("cpu", "num_cpus", "n_cpus", "cpus_per_trial"),
    "resources.concurrent": ("n_jobs", "num_workers", "max_concurrent_trials", "max_concurrent", "workers"),
    "tracking.mlflow": ("tracking_uri", "mlflow_uri", "mlflow_tracking_uri"),
    "tracking.experiment": ("experiment_name", "project", "entity"),
    "space": ("parameters", "params", "search_space", "hyperparameters", "param_space", "hyperparams"),
    "name": ("sweep_name", "study_name", "title"),
}

RESPELT = 0.85
"""How much alike two names are of which one is a slip of the other, whatever it is called elsewhere."""

NO_PLACES: Mapping[str, str] = {}
"""Where nothing is known of other sections."""


def meant_key(
    name: object, names: Sequence[str], section: str = "", places: Mapping[str, str] = NO_PLACES
) -> str:
    """Return the key that is meant by an unknown one, as it is written in `section`, or '' if none is near.

    names: the keys that may stand there. A key of another section is given with it: `method.epochs`.
    places: as `places_of` gives them, for keys that stand in the wrong section.
    """
    plain = _plain(str(name))
    meant = _meant().get(plain, "")
    home, _, key = meant.rpartition(".")
    if key in names and (not home or home == section or section in ("", "method", "space")):
        return key
    elsewhere = meant or ("" if "." in plain else places.get(plain, ""))
    head, _, key = elsewhere.rpartition(".")
    if key in names and head == section:
        return key
    # `optimizer` of a method is another spelling of its `optimiser`, and no sampler.
    if elsewhere and elsewhere != section and not nearest(plain, names, RESPELT):
        return elsewhere
    return nearest(str(name), names)


def full_key(name: str, sections: Mapping[str, Sequence[str]]) -> str:
    """Return the dotted path that is meant by a key without its section; '' when none is near.

    `epochs` is `method.epochs`, `space.omega` is itself. sections: the keys of every section.
    """
    head, _, rest = name.partition(".")
    places = places_of(sections)
    if head in sections and rest:
        return name
    plain = _plain(name)
    found = places.get(plain) or _meant().get(plain) or ""
    if not found:
        near = nearest(name, places)
        found = places[near] if near else ""
    return found if found not in sections else ""


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "_", name.strip().casefold()).strip("_")


@cache
def _meant() -> dict[str, str]:
    return {_plain(other): key for key, others in MEANT.items() for other in others}


def places_of(sections: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return every key of the sections with its dotted path, but none that several of them have."""
    found: dict[str, str] = {}
    for section, keys in sections.items():
        for key in keys:
            found[key] = "" if key in found else f"{section}.{key}"
    return {key: place for key, place in found.items() if place}
