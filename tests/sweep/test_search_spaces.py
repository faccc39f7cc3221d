"""Every shipped sweep file at work: all its tasks, few epochs, on small folders laid out as the real ones."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from optuna.storages import InMemoryStorage

from nemesis_sweep.spec.baselines import PROMPTLESS
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.names import known_names
from nemesis_sweep.sweep.study import TaskStudy
from nemesis_sweep.sweep.worker import worker_cache
from nemesis_sweep.vlm import load_backbone as loading_module
from nemesis_sweep.vlm.building import build_model
from tests.data import layouts
from tests.sweep.in_this_process import run
from tests.vlm.families import family_tokenizer, save_model, small_config, small_timm

FILES = Path(__file__).parents[2] / "search_spaces"
SIGLIP = "ViT-B-16-SigLIP"
STAND_INS = {
    "RN50@openai": "RN50-quickgelu",
    "ViT-B-16@openai": "ViT-B-16-quickgelu",
    "ViT-B-16-SigLIP@webli": SIGLIP,
    "ViT-S-32-alt@random": "ViT-B-16-quickgelu",
}
SHORT = ("method.epochs=2", "method.views=2", "tasks.replicates=2", "budget.trials=2", "search.eval_every=1")
"""What makes a file cheap. Two trials: the paper's setting and a proposal."""

PAPER = ("tasks.shots=[1, 16]", "method.per_shots={16: {epochs: 4}}", "method.per_dataset.imagenet.epochs=1")
MORE: Mapping[str, tuple[str, ...]] = {
    "paper_few_shot": PAPER,
    "low_norm_effect": ("tasks.shots=[4]", "budget.trials=0"),
    "pun": ("tasks.shots=[4]", "method.per_dataset.emoji.epochs=1"),
    "mixed": ("tasks.shots=[4]",),
    "pan": ("tasks.shots=[4]",),
    "own_images": ("tasks.shots=[4]",),
    "dynamic_omega": ("tasks.shots=[4]",),
    "omega_by_shots": ("tasks.shots=[4]",),
    "low_norm_models": ("tasks.shots=[4]", "method.n_ctx=3"),
    "methods": ("tasks.shots=[4]",),
    "vpt": ("tasks.shots=[4]", "method.batch=32"),
    "paper_plot": (*PAPER[:2], "tasks.dataset=[caltech101, oxford_pets]"),
    "paper_cocoop_base_to_new": ("tasks.dataset=[caltech101, dtd]", "tasks.shots=2", "method.batch=8"),
}
"""Fewer tasks too where they differ in the number of shots alone, or where every image is a text pass."""
LONG = ("paper_few_shot",)
"""All datasets of the paper, with two numbers of shots."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with all datasets of the catalogue and one's own images."""
    root = tmp_path_factory.mktemp("data")
    for builders in layouts.ALL.values():
        builders[0](root)
    # 16 shots, and something left for validation: ImageNet has no val.
    layouts.imagenet("imagenet/images", root, train=20)
    layouts.folders("images", layouts.THREE, root)
    return root


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Folders with small random models in place of weights that would be downloaded, by their names."""
    made = {}
    with pytest.MonkeyPatch.context() as patch, small_timm(SIGLIP):
        for name, architecture in STAND_INS.items():
            config = small_config(architecture)
            if isinstance(config["vision_cfg"].get("layers"), int):
                config["vision_cfg"]["layers"] = 2  # As many as vpt.yaml puts vectors before.
            folder = tmp_path_factory.mktemp("weights") / architecture
            made[name] = str(save_model(folder, build_model(config), config))
        # SigLIP's own tokenizer is on the hub.
        own, words = loading_module.make_tokenizer, family_tokenizer(SIGLIP, small_config(SIGLIP))
        patch.setattr(
            loading_module,
            "make_tokenizer",
            lambda text, folder=None: words if "hf_tokenizer_name" in text else own(text, folder),
        )
        worker_cache.forget()
        yield made
        worker_cache.forget()


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(file, id=file.stem, marks=pytest.mark.slow if file.stem in LONG else ())
        for file in sorted(FILES.glob("*.yaml"))
    ],
)
def test_every_task_of_every_file_runs(file: Path, data: Path, stand_ins, tmp_path: Path) -> None:
    backbones = [stand_ins.get(each, each) for each in load_sweep(file).tasks.backbone]
    here = (f"tasks.root={data}", f"tasks.backbone=[{', '.join(backbones)}]")
    sweep = load_sweep(file, (*here, *SHORT, *MORE.get(file.stem, ())), known_names())
    results = run(sweep, Home(tmp_path / "home"))
    tasks = sweep.task_list()
    assert {result.task for result in results} == {task.key for task in tasks}
    for task in tasks:
        own = [result for result in results if result.task == task.key]
        searched = {""} if sweep.budget.trials else set()
        beside = searched.union(sweep.search.baselines) - {"paper", "control", "controls"}
        assert {result.baseline for result in own} >= beside
        trained = [result for result in own if result.baseline not in PROMPTLESS]
        assert trained
        epochs = sweep.method.values(task.dataset, task.shots)["epochs"]
        assert {result.epochs for result in trained} == {epochs}
        assert {result.config["epochs"] for result in trained} == {epochs}
        tested = {"few_shot": (), "base_to_new": ("test/base", "test/new")}.get(
            task.protocol, ("test/source", *(f"test/{target}" for target in task.targets))
        )
        assert all({"test/accuracy", "val/accuracy", *tested} <= set(result.metrics) for result in own)


def test_the_papers_table_trains_as_long_as_the_paper() -> None:
    sweep = load_sweep(FILES / "paper_few_shot.yaml", known=known_names())
    tasks = sweep.task_list()
    assert (len(tasks), sweep.tasks.seeds, sweep.tasks.backbone) == (55, [1, 2, 3], ["RN50@openai"])
    schedule = {1: 50, 2: 50, 4: 100, 8: 100, 16: 200}
    for task in tasks:
        expected = 50 if task.dataset == "imagenet" else schedule[task.shots]
        assert sweep.method.values(task.dataset, task.shots)["epochs"] == expected
        # Pruners judge by what a trial of this task can reach.
        assert TaskStudy(sweep, task, InMemoryStorage()).steps == expected
