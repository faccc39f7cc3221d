"""What `fit` is given: one clear error for each argument, with what was found and what is allowed."""

from pathlib import Path

import numpy as np
import pytest

import nemesis_sweep as ns
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.method import Method
from nemesis_sweep.testing.colours import picture
from nemesis_sweep.training.arguments import checked_method, checked_seeds, checked_shots

SHOTS = r"allowed: a whole number >= 1$"
SEEDS = r"allowed: different whole numbers from 0 to 4294967295, such as \(1, 2, 3\)"
METHOD = r"allowed: a Method or a mapping of its fields: \{'omega': 5.0, 'beta': 0.0\} is PAN"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shots": 0}, rf"^shots: not a number of shots; found 0; {SHOTS}"),
        ({"shots": "4"}, rf"^shots: not a number of shots; found '4'; {SHOTS}"),
        ({"shots": 4.0}, rf"^shots: not a number of shots; found 4.0; {SHOTS}"),
        ({"shots": True}, rf"^shots: not a number of shots; found True; {SHOTS}"),
        (
            {"val_shots": "some"},
            r"^val_shots: not a number of validation images; found 'some'; allowed: 'published'",
        ),
        (
            {"val_shots": 0},
            r"^val_shots: not a number of validation images; found 0; allowed: 'published', 'all', or",
        ),
        ({"shots": None}, rf"^shots: not a number of shots; found None; {SHOTS}"),
        ({"seeds": 3}, rf"^seeds: not a list of seeds; found 3; {SEEDS}; \(3,\) is this seed alone"),
        ({"seeds": "12"}, rf"^seeds: not a list of seeds; found '12'; {SEEDS}$"),
        ({"seeds": None}, rf"^seeds: not a list of seeds; found None; {SEEDS}$"),
        ({"seeds": ()}, rf"^seeds: no seeds given; found \(\); {SEEDS}$"),
        ({"seeds": (1, 2, 1)}, rf"^seeds: 1 is listed twice; found \(1, 2, 1\); {SEEDS}$"),
        ({"seeds": (1, -1)}, rf"^seeds: not a seed; found -1; {SEEDS}$"),
        ({"seeds": (2**32,)}, rf"^seeds: not a seed; found 4294967296; {SEEDS}$"),
        ({"seeds": (1, "2")}, rf"^seeds: not a seed; found '2'; {SEEDS}$"),
        ({"method": "pan"}, rf"^method: not a method; found 'pan'; {METHOD}"),
        ({"method": [("omega", 1.0)]}, rf"^method: not a method; found \[\('omega', 1.0\)\]; {METHOD}"),
        ({"method": {"omega": -1}}, r"^method\.omega: .*; found -1"),
        ({"method": {"omga": 1}}, r"^method\.omga: unknown key; .*Did you mean 'omega'"),
        ({"dataset": "digit"}, "unknown dataset; found 'digit'.*Did you mean 'digits'"),
        ({"dataset": 3}, "^dataset: not a dataset; found 3; allowed: a name, a path, or a Dataset"),
        ({"backbone": "icon-clap"}, "unknown backbone; found 'icon-clap'"),
        (
            {"backbone": None},
            "^backbone: not a backbone; found None; allowed: a name, a folder,",
        ),
        ({"device": "gpu"}, "^device: unknown device; found 'gpu'; allowed: cpu.*Did you mean 'cuda'"),
    ],
)
def test_fit_refuses_what_it_cannot_use(tiny_backbone, colours, arguments, message):
    with pytest.raises(UserError, match=message):
        ns.fit(**{"backbone": tiny_backbone, "dataset": colours, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"backbone": "icon-clip"},
            "^backbone: not a backbone; found 'icon-clip'; allowed: a Backbone, such",
        ),
        (
            {"method": {"n_ctx": 2}},
            r"^method: not a method; found \{'n_ctx': 2\}; allowed: a Method, such as",
        ),
        ({"method": None}, "^method: not a method; found None"),
        ({"classnames": "cat"}, r"^classnames: not class names; found 'cat'; allowed: a list of names"),
        ({"classnames": [1, 2]}, r"^classnames: not class names; found \[1, 2\]"),
        ({"classnames": None}, "^classnames: not class names; found None"),
        ({"template": None}, "^template: not a template; found None; allowed: a text with {}"),
        ({"template": "a photo"}, "^template: not a template; found 'a photo'"),
        ({"seeds": 3}, "^seeds: not a list of seeds; found 3"),
    ],
)
@pytest.mark.parametrize("trains", [ns.Trainer, ns.TrainingRun])
def test_a_trainer_refuses_what_it_cannot_use(tiny_backbone, trains, arguments, message):
    given = {
        "backbone": tiny_backbone,
        "classnames": ["cat", "dog"],
        "method": Method(n_ctx=2),
        "seeds": (1,),
    }
    more = {"features": None} if trains is ns.TrainingRun else {}
    with pytest.raises(UserError, match=message):
        trains(**{**given, **arguments, **more})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (None, "^method: not a method; found None; allowed: a mapping of its fields"),
        (Method(), "^method: not a method; found Method"),
        ({"omga": 1}, r"^method\.omga: unknown key; .*Did you mean 'omega'"),
        ({"prompt": 3}, r"^method\.prompt: wrong type; found 3"),
        ({"csc": "maybe"}, r"^method\.csc: wrong type; found \"maybe\""),
        ({3: "coop"}, r"^method\.3: unknown key"),
    ],
)
def test_a_method_that_cannot_be_read_is_told(values, message):
    with pytest.raises(UserError, match=message):
        ns.read_method(values)


def test_the_method_of_a_saved_prompt_trains_again(tiny_backbone, colours):
    """It has the fields of all kinds; only those that would do something elsewhere are refused."""
    learnt = ns.fit(tiny_backbone, colours, {"n_ctx": 2, "epochs": 1, "views": 1}, shots=1, seeds=(1,))
    again = ns.fit(tiny_backbone, colours, learnt.prompt.method, shots=1, seeds=(1,))
    assert again.context.equal(learnt.context)
    for method in (Method(prompt_depth=2), {**learnt.prompt.method, "prompt_depth": 2}):
        with pytest.raises(UserError, match="prompt_depth: coop has no prompt_depth"):
            ns.fit(tiny_backbone, colours, method, shots=1, seeds=(1,))


def test_an_argument_that_is_long_is_cut():
    with pytest.raises(UserError) as caught:
        checked_method("x" * 5000)
    assert len(str(caught.value)) < 300


def test_a_method_with_two_mistakes_tells_both(tiny_backbone, colours):
    with pytest.raises(UserError) as caught:
        ns.fit(tiny_backbone, colours, {"omega": -1, "beta": 2})
    assert len(caught.value.problems) == 2


def test_whole_numbers_of_any_kind_do():
    assert checked_shots(np.int64(4)) == 4
    for seeds in ([1, 2], (1, 2), range(1, 3), np.array([1, 2]), iter([1, 2])):
        assert checked_seeds(seeds) == (1, 2)
    assert checked_method(None) == Method()


def test_paths_are_not_taken_for_names(tiny_backbone, tmp_path, monkeypatch):
    """A folder that is called as a dataset is that folder, when it is given as a path."""
    for number, (name, colour) in enumerate({"red": (200, 40, 40), "blue": (40, 40, 200)}.items()):
        (tmp_path / "digits" / name).mkdir(parents=True)
        for place in range(12):
            (tmp_path / "digits" / name / f"{place}.png").write_bytes(picture(colour, 100 * number + place))
    monkeypatch.chdir(tmp_path)
    result = ns.fit(tiny_backbone, Path("digits"), {"epochs": 1, "views": 1, "n_ctx": 2}, shots=1, seeds=(1,))
    assert sorted(result.prompt.classnames) == ["blue", "red"]
    with pytest.raises(UserError, match="no such backbone folder or file; found 'icon-clip'"):
        ns.fit(Path("icon-clip"), "digits")


def test_episodes_are_drawn_of_checked_shots_and_seeds():
    dataset, backbone = ns.load_dataset("digits"), ns.load_backbone("icon-clip")
    with pytest.raises(UserError, match=r"^shots: not a number of shots; found 0"):
        ns.episode_features(dataset, backbone, 0, (1,), 1)
    with pytest.raises(UserError, match=r"^seeds: 2 is listed twice"):
        ns.episode_features(dataset, backbone, 1, (2, 2), 1)
    with pytest.raises(UserError, match=r"^val_shots: not a number of validation images; found 'most'"):
        ns.episode_features(dataset, backbone, 1, (1, 2), 1, val_shots="most")
    assert ns.episode_features(dataset, backbone, 1, (1, 2), 1, val_shots=3).val_labels.shape == (2, 30)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda backbone: backbone.layout("cat", n_ctx=2),
            "^not class names; found 'cat'; allowed: a list of",
        ),
        (lambda backbone: backbone.layout([1], n_ctx=2), r"^not class names; found \[1\]"),
        (lambda backbone: backbone.layout(None, n_ctx=2), "^not class names; found None"),
        (lambda backbone: backbone.layout(["cat"], n_ctx=2.0), "^n_ctx must be a whole number; found 2.0"),
        (lambda backbone: backbone.encode_texts("cat"), "^not texts; found 'cat'; allowed: a list of texts"),
        (lambda backbone: backbone.encode_texts([3]), r"^not texts; found \[3\]"),
        (lambda backbone: ns.load_backbone(None), "^backbone: not a name of a backbone; found None"),
        (lambda backbone: ns.load_dataset(3), "^dataset: not a name of a dataset; found 3"),
        (lambda backbone: ns.FeatureStore(backbone, views=0), "^views: not a number of views; found 0"),
        (lambda backbone: ns.FeatureStore(backbone, views="1"), "^views: not a number of views; found '1'"),
        (
            lambda backbone: ns.FeatureStore(backbone, 1, reads="parts"),
            "^reads: no such features; found 'parts'",
        ),
    ],
)
def test_what_is_no_text_and_no_number_is_refused(tiny_backbone, call, message):
    with pytest.raises(UserError, match=message):
        call(tiny_backbone)


def test_features_are_those_of_the_seeds(tiny_backbone, colours):
    features = ns.episode_features(colours, tiny_backbone, shots=1, seeds=(1, 2), views=1)
    method = Method(n_ctx=2, epochs=1, views=1)
    run = ns.TrainingRun(tiny_backbone, colours.classnames, method, (1, 2), features)
    with pytest.raises(UserError, match=r"^split: no such split; found 'vals'; allowed: val, test"):
        run.evaluate("vals")
    with pytest.raises(
        UserError, match=r"^seeds: features of other seeds; found \(2, 1\); allowed: \(1, 2\)"
    ):
        ns.TrainingRun(tiny_backbone, colours.classnames, method, (2, 1), features)
    with pytest.raises(UserError, match=r"^features: not features of episodes; found None"):
        ns.TrainingRun(tiny_backbone, colours.classnames, method, (1, 2), None)
