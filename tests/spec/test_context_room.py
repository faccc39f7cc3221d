"""Context vectors that leave no room for class names are refused before anything is loaded."""

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.sweep.names import known_names

TEXT = """
name: room
tasks: {{backbone: [{backbones}], dataset: digits, shots: 1}}
method: {{beta: 0, {method}}}
space: {{omega: {{low: 0.1, high: 100}}, {space}}}
search: {{baselines: [{baselines}]}}
budget: {{trials: 3}}
"""
SIGLIP = "icon-clip, ViT-B-16-SigLIP@webli"


def load(tmp_path, **parts):
    usual = {"backbones": "icon-clip", "method": "epochs: 5", "space": "corruption: {low: 0, high: 1}"}
    file = tmp_path / "room.yaml"
    file.write_text(TEXT.format(**{"baselines": "zero_shot", **usual, **parts}))
    return load_sweep(file, known=known_names())


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (
            {"space": "n_ctx: {choices: [4, 100]}"},
            "space.n_ctx: more context vectors than the texts of icon-clip",
        ),
        ({"method": "n_ctx: 74"}, "found 74; allowed: at most 73 of its 77 tokens"),
        (
            {"method": f"words: '{'a ' * 74}'"},
            "method.words: more words than the texts of icon-clip have room for; found 74 words; allowed: at",
        ),
        ({"method": f"words: '{'a ' * 61}'", "backbones": SIGLIP}, "at most 60 of its 64 tokens"),
        (
            {"method": f"prompt: kgcoop, anchor_template: '{'x ' * 75}{{}}'"},
            "method.anchor_template: more words than the texts of icon-clip have room for; found 76 words; "
            "allowed: at most 75 of its 77 tokens, beside start and end",
        ),
        ({"method": "n_ctx: 61", "backbones": SIGLIP}, "at most 60 of its 64 tokens"),
        (
            {"method": "prompt: prefix, n_ctx: 76"},
            "method.n_ctx: more context vectors than the texts of icon-clip have room for; found 76; "
            "allowed: at most 75 of its 77 tokens, beside start and end",
        ),
        (
            {"method": "prompt: prefix, n_ctx: 75", "baselines": "coop"},
            "at most 73 of its 77 tokens, beside start, name, full stop and end; or search.baselines without",
        ),
        (
            {"method": "words: a photo, n_ctx: 74", "space": "prompt: {choices: [coop, ptuning]}"},
            "method.n_ctx: more context vectors than the texts of icon-clip have room for; found 74",
        ),
        (
            {"method": "n_ctx: 74", "space": "prompt: {choices: [coop, prefix]}"},
            "found 74; allowed: at most 73 of its 77 tokens",
        ),
    ],
)
def test_what_no_class_name_fits_behind_is_refused(tmp_path, parts, told):
    with pytest.raises(UserError) as caught:
        load(tmp_path, **parts)
    (problem,) = caught.value.problems
    assert told in str(problem)


def test_what_may_fit_is_left_to_the_run(tmp_path):
    assert load(tmp_path, method="n_ctx: 73").method.n_ctx == 73
    assert load(tmp_path, method="prompt: prefix, n_ctx: 75").method.n_ctx == 75
    choices = "prompt: {choices: {coop: {n_ctx: {low: 4, high: 16}}, prefix: {n_ctx: {low: 4, high: 75}}}}"
    assert load(tmp_path, space=choices).space
    assert load(tmp_path, method=f"words: '{'a ' * 73}'").method.words
    # Given words decide the number; nothing is known of a repository before it is downloaded.
    assert load(tmp_path, method="n_ctx: 100, words: a photo of a").method.words
    assert load(tmp_path, backbones="hf-hub:ORG/NAME", method="n_ctx: 100").method.n_ctx == 100
