"""The trial that needs the most memory is found from the sweep file alone."""

from nemesis_sweep.spec.method import Method
from nemesis_sweep.sweep.cluster.largest import largest_method, largest_trials

TEXT = """
name: made
tasks: {backbone: [icon-clip, ViT-B-16], dataset: [digits, clipart], shots: [1, 4], replicates: 2}
method: {omega: 1, per_dataset: {clipart: {batch: 64}}}
space:
  n_ctx: {choices: [8, 24]}
  beta: {choices: {1.0: {}, 0.5: {n_positions: {low: 1, high: 6}}}}
  class_position: {choices: [end, middle]}
  precision: {choices: [fp16, bf16]}
search: {baselines: [zero_shot]}
"""
CLASSES = {"digits": 10, "clipart": 40}


def test_every_field_is_the_largest_that_the_space_and_the_baselines_admit(make_sweep):
    sweep = make_sweep(text=TEXT)
    task = next(each for each in sweep.task_list() if each.dataset == "clipart")
    method = largest_method(sweep, task)
    found = {name: getattr(method, name) for name in ("n_ctx", "beta", "n_positions", "batch", "precision")}
    assert found == {"n_ctx": 24, "beta": 0.5, "n_positions": 6, "batch": 64, "precision": "bf16"}
    assert (method.class_position, method.csc, method.selection) == ("middle", False, "accuracy")


def test_a_baseline_may_be_larger_than_the_space(make_sweep):
    small = make_sweep("space.n_ctx={low: 2, high: 3}", "search.baselines=[zero_shot]")
    (task,) = small.task_list()
    assert largest_method(small, task).n_ctx == 3
    assert largest_method(make_sweep("space.n_ctx={low: 2, high: 3}"), task).n_ctx == 16


def test_words_decide_only_where_nothing_else_is_possible(make_sweep):
    sweep = make_sweep("method.words=a photo of a", "space={omega: {low: 1, high: 2}}", "search.baselines=[]")
    (task,) = sweep.task_list()
    assert largest_method(sweep, task).words == "a photo of a"
    assert largest_method(make_sweep(), task).words == Method().words


def test_every_backbone_has_its_largest_task(make_sweep):
    sweep = make_sweep(text=TEXT)
    classes = {task.key: CLASSES[task.dataset] for task in sweep.task_list()}
    found = largest_trials(sweep, classes)
    assert {task.backbone: task.dataset for task, _ in found} == {
        "icon-clip": "clipart",
        "ViT-B-16": "clipart",
    }


def test_kinds_in_the_image_tower_are_looked_at_beside_the_others(make_sweep):
    """Neither of the two can be said to need more."""
    more = ("tasks.backbone=ViT-B-16", "space.prompt={choices: [coop, vpt, deep_text]}")
    sweep = make_sweep(*more, "space.vision_last={choices: [1, 3]}", "space.n_ctx_vision={low: 2, high: 9}")
    classes = {task.key: 10 for task in sweep.task_list()}
    others, of_images = (method for _, method in largest_trials(sweep, classes))
    assert others.prompt in ("coop", "deep_text")
    assert (of_images.prompt, of_images.vision_last, of_images.n_ctx_vision) == ("vpt", 3, 9)
    assert of_images.prompt_depth_vision is None
    every = make_sweep(*more)
    assert largest_method(every, every.task_list()[0], in_image_tower=True).vision_last is None


def test_of_kinds_in_both_towers_it_is_the_one_with_vectors_of_its_own_in_each(make_sweep):
    kinds = "{maple: {}, vpt: {}, promptsrc: {n_positions: {low: 1, high: 26}}}"
    more = ("tasks.backbone=ViT-B-16", f"space.prompt={{choices: {kinds}}}", "method.vision_last=1")
    sweep = make_sweep(*more, "space.n_ctx={low: 2, high: 4}", "space.n_ctx_vision={low: 2, high: 9}")
    method = largest_method(sweep, sweep.task_list()[0], in_image_tower=True)
    assert (method.prompt, method.n_ctx, method.n_ctx_vision, method.n_positions) == ("promptsrc", 16, 9, 25)


def test_classes_that_share_less_take_more(make_sweep):
    """Vectors of each class in all blocks, else in the later ones, the more of these the more."""
    kinds = "{coop: {CSC}, deep_text: {}, tcp: {class_block: {choices: [4, 3, 5]}}, kgcoop: {}}"
    for csc, chosen in (("", "tcp"), ("csc: {choices: [true, false]}", "coop")):
        sweep = make_sweep(f"space.prompt={{choices: {kinds.replace('CSC', csc)}}}")
        method = largest_method(sweep, sweep.task_list()[0])
        assert (method.prompt, method.csc) == (chosen, bool(csc))
        assert method.class_block == (3 if chosen == "tcp" else None)
