"""What every baseline keeps to; a new one is tested by its name in the table."""

import ast
import copy
import importlib.util
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import nemesis_sweep as ns
from nemesis_sweep.data.dataset import Dataset, Item
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.baselines import BASELINES, PROMPTLESS, known_before, order, trains_prompt
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.part import part_at
from nemesis_sweep.spec.search import Search
from nemesis_sweep.spec.sections import read_sections
from nemesis_sweep.sweep.logged import applying
from nemesis_sweep.testing.colours import picture
from nemesis_sweep.training.episode_features import EpisodeFeatures, episode_features
from nemesis_sweep.training.references.measured import measure_of
from nemesis_sweep.training.references.reference import classifier_of
from nemesis_sweep.training.references.saved import KINDS

PACKAGE = Path(__file__).parents[3]
every = pytest.mark.parametrize("name", BASELINES)
promptless = pytest.mark.parametrize("name", PROMPTLESS)


@pytest.fixture(scope="module")
def features(colours: Dataset, tiny_backbone) -> EpisodeFeatures:
    return episode_features(colours, tiny_backbone, shots=4, seeds=(1, 2), views=1)


@pytest.fixture(scope="module")
def others() -> Dataset:
    """Two other colours."""
    named = {"yellow": (200, 200, 40), "white": (220, 220, 220)}
    items = [
        Item(label, f"test:{name}:{n}", picture(colour, seed=7 * n + label))
        for n in range(4)
        for label, (name, colour) in enumerate(named.items())
    ]
    return Dataset("others", tuple(named), "a photo of the colour {}.", {"train": items, "test": items})


def first_replicate(features: EpisodeFeatures) -> EpisodeFeatures:
    """The features of the first replicate alone."""
    own = {name: getattr(features, name)[:1] for name in ("train", "train_labels", "val", "val_labels")}
    return replace(features, **own, episodes=features.episodes[:1])


@every
def test_it_says_what_it_is(name: str) -> None:
    row = BASELINES[name]
    assert row.label and row.about and row.about[0].islower() is not None
    labels = [other.label for other in BASELINES.values()]
    assert labels.count(row.label) == 1
    assert set(row.fields) <= set(Method.method_fields()) and set(row.fixed) <= set(Method.method_fields())
    # What is measured is not trained as a trial is, and the other way round.
    assert row.trains == (not row.fields) and bool(row.short) == row.trains


@every
def test_a_sweep_file_takes_it_and_the_docs_name_it(name: str) -> None:
    assert Search(baselines=[name]).baselines == [name]
    page = (PACKAGE / "docs" / "sweep-file.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^\| `baselines` .*$", page, re.MULTILINE)
    assert re.search(rf"\b{name}\b", line)


@every
def test_it_is_refused_for_other_classes_where_it_does_not_transfer(name: str) -> None:
    tasks = {"dataset": ["digits"], "protocol": "base_to_new"}
    data = {"name": "made", "tasks": tasks, "search": {"baselines": [name]}, "budget": {"trials": 0}}
    _, faults = read_sections(data, None)
    told = [fault.message for fault in faults]
    stuck = f"{name} cannot be tested on classes that it was not trained on"
    assert told == ([] if BASELINES[name].transfers else [stuck])


def test_the_usual_ones_are_the_default() -> None:
    assert Search().baselines == [name for name, row in BASELINES.items() if row.usual]


def test_what_trains_a_prompt_is_known_of_every_name_and_number() -> None:
    assert [name for name in BASELINES if not trains_prompt(name)] == list(PROMPTLESS)
    assert all(map(trains_prompt, ("", None, "7", "control-of-3")))
    assert known_before(BASELINES) == ["coop", "paper"]
    # The last ones are trials like any other.
    first = [name for name, row in BASELINES.items() if not row.last]
    assert [order(name) for name in first] == list(range(len(first)))
    assert {order(name) for name in ("", None, "7", "control", "controls")} == {len(first)}


@promptless
def test_it_is_found_without_torch_and_gives_the_metrics_of_a_trial(
    name: str, colours: Dataset, tiny_backbone, features: EpisodeFeatures
) -> None:
    # Its place is a module of the package; the table itself imports nothing of it.
    assert importlib.util.find_spec(BASELINES[name].measure.partition(":")[0])
    metrics = measure_of(name)(tiny_backbone, colours, features).metrics
    for split in ("val", "test"):
        assert len(metrics[f"{split}/accuracy"]) == len(metrics[f"{split}/loss"]) == 2
        assert all(0 <= value <= 100 for value in metrics[f"{split}/accuracy"])
        assert all(math.isfinite(value) for value in metrics[f"{split}/loss"])
    assert all(len(values) == 2 and "/" in metric for metric, values in metrics.items())


@promptless
def test_it_is_the_same_again_and_leaves_its_features_alone(
    name: str, colours: Dataset, tiny_backbone, features: EpisodeFeatures
) -> None:
    before = copy.deepcopy(features)
    first = measure_of(name)(tiny_backbone, colours, features).metrics
    torch.manual_seed(99)
    assert measure_of(name)(tiny_backbone, colours, features).metrics == first
    for field in ("train", "train_labels", "val", "val_labels", "test", "test_labels"):
        assert torch.equal(getattr(features, field), getattr(before, field))


@promptless
def test_a_replicate_does_not_see_its_neighbour(
    name: str, colours: Dataset, tiny_backbone, features: EpisodeFeatures
) -> None:
    both = measure_of(name)(tiny_backbone, colours, features).metrics
    alone = measure_of(name)(tiny_backbone, colours, first_replicate(features)).metrics
    assert set(both) == set(alone)
    for metric, values in both.items():
        assert values[:1] == pytest.approx(alone[metric], rel=1e-5), metric


@promptless
def test_it_depends_on_the_training_images_where_it_says_so(
    name: str, colours: Dataset, tiny_backbone, features: EpisodeFeatures
) -> None:
    shuffled = replace(features, train_labels=features.train_labels.roll(4, dims=1))
    losses = [
        measure_of(name)(tiny_backbone, colours, each).metrics["test/loss"] for each in (features, shuffled)
    ]
    assert (losses[0] != losses[1]) == BASELINES[name].learns


@promptless
def test_what_it_learnt_is_used_again_as_it_was_measured(
    name: str, colours: Dataset, others: Dataset, tiny_backbone, tmp_path: Path
) -> None:
    assert bool(BASELINES[name].classifier) == BASELINES[name].learns == (name in KINDS)
    if name not in KINDS:
        with pytest.raises(UserError, match="kind: not a row that is fitted without a prompt"):
            ns.fit_reference(name, tiny_backbone, colours)
        return
    fitted = ns.fit_reference(name, tiny_backbone, colours, shots=4, seeds=(1, 2), views=2)
    assert fitted.mean("test/accuracy") == pytest.approx(sum(fitted.metrics["test/accuracy"]) / 2)
    with pytest.raises(UserError, match=r"unknown metric; found 'test/acc'; allowed: .*'test/accuracy'\?"):
        fitted.mean("test/acc")
    fitted.save(tmp_path / "kept")
    kept = ns.load_reference(tmp_path / "kept" / "reference.json")
    assert (kept.kind, kept.seeds, kept.precision) == (name, [1, 2], "fp32")
    assert set(kept.tensors) == set(classifier_of(name).axes)
    assert all(torch.equal(kept.tensors[key], value) for key, value in fitted.reference.tensors.items())
    labels = torch.tensor([item.label for item in colours.test])
    pictures = [item.content for item in colours.test]
    for place, seed in enumerate((1, 2)):
        found = ns.Classifier(kept, tiny_backbone, seed=seed).probabilities(pictures)
        right = 100 * float((found.argmax(dim=1) == labels).double().mean())
        assert right == pytest.approx(fitted.metrics["test/accuracy"][place])
        assert found.isfinite().all()
    if BASELINES[name].transfers:
        classifier = ns.Classifier(kept, tiny_backbone, classnames=others.classnames)
        assert classifier.probabilities(pictures).shape == (len(pictures), 2)
    else:
        with pytest.raises(UserError, match="this reference was learnt for its own classes"):
            ns.Classifier(kept, tiny_backbone, classnames=others.classnames)


@promptless
def test_it_has_a_classifier_of_other_classes_where_it_transfers(
    name: str, colours: Dataset, others: Dataset, tiny_backbone, features: EpisodeFeatures
) -> None:
    classifier_of = measure_of(name)(tiny_backbone, colours, features).classifier_of
    assert (classifier_of is not None) == BASELINES[name].transfers
    if classifier_of is not None:
        logits = classifier_of(others)(features.test)
        assert logits.shape == (2, len(features.test), 2)


@promptless
def test_only_its_own_fields_are_logged(name: str) -> None:
    assert set(applying(name, Method().model_dump())) == set(BASELINES[name].fields)


@promptless
def test_its_sentences_have_a_place_for_the_class_name(name: str) -> None:
    if BASELINES[name].templates:
        assert all("{}" in text for text in part_at(BASELINES[name].templates))


def test_no_other_module_names_a_row_that_trains_no_prompt() -> None:
    """The table alone knows them, so that a new one is one file and one entry."""
    found = set()
    for path in (PACKAGE / "nemesis_sweep").rglob("*.py"):
        if path.name == "baselines.py" and path.parent.name == "spec":
            continue
        texts = {
            node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)
        }
        found |= {(path.name, text) for text in texts & set(PROMPTLESS)}
    assert not found
