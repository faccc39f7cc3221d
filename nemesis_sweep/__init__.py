"""Distributed hyperparameter sweeps for soft-prompt tuning of vision-language models.

The names below are the public interface. They are imported when they are first used, so that
`import nemesis_sweep` is cheap. `docs/api.md` shows them at work.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nemesis_sweep.data.dataset import Dataset as Dataset
    from nemesis_sweep.data.dataset import Item as Item
    from nemesis_sweep.data.registry import load_dataset as load_dataset
    from nemesis_sweep.data.store import FeatureStore as FeatureStore
    from nemesis_sweep.messages.errors import UserError as UserError
    from nemesis_sweep.prompts.artifact import Prompt as Prompt
    from nemesis_sweep.prompts.artifact import load_prompt as load_prompt
    from nemesis_sweep.prompts.artifact import save_prompt as save_prompt
    from nemesis_sweep.prompts.context import ContextLearner as ContextLearner
    from nemesis_sweep.prompts.learner import ImageClassifier as ImageClassifier
    from nemesis_sweep.prompts.learner import Learner as Learner
    from nemesis_sweep.prompts.text_classifier import TextClassifier as TextClassifier
    from nemesis_sweep.spec.fields import Count as Count
    from nemesis_sweep.spec.method import Method as Method
    from nemesis_sweep.spec.outside.methods import read_method as read_method
    from nemesis_sweep.spec.prompt_fields import ContextFields as ContextFields
    from nemesis_sweep.spec.prompt_fields import CoOpFields as CoOpFields
    from nemesis_sweep.spec.prompt_fields import Fields as Fields
    from nemesis_sweep.spec.prompts import Kind as Kind
    from nemesis_sweep.training.api import FitResult as FitResult
    from nemesis_sweep.training.api import fit as fit
    from nemesis_sweep.training.classifier import Classifier as Classifier
    from nemesis_sweep.training.episode_features import EpisodeFeatures as EpisodeFeatures
    from nemesis_sweep.training.episode_features import episode_features as episode_features
    from nemesis_sweep.training.evaluation import evaluate as evaluate
    from nemesis_sweep.training.references.fitted import ReferenceResult as ReferenceResult
    from nemesis_sweep.training.references.fitted import fit_reference as fit_reference
    from nemesis_sweep.training.references.saved import Reference as Reference
    from nemesis_sweep.training.references.saved import load_reference as load_reference
    from nemesis_sweep.training.references.saved import save_reference as save_reference
    from nemesis_sweep.training.trainer import Trainer as Trainer
    from nemesis_sweep.training.training_run import TrainingRun as TrainingRun
    from nemesis_sweep.vlm.backbone import Backbone as Backbone
    from nemesis_sweep.vlm.from_open_clip import backbone_from_open_clip as backbone_from_open_clip
    from nemesis_sweep.vlm.load_backbone import load_backbone as load_backbone
    from nemesis_sweep.vlm.text import encode_text as encode_text
    from nemesis_sweep.vlm.variants import encode_variants as encode_variants

_HOMES = {
    "Backbone": "vlm.backbone",
    "Classifier": "training.classifier",
    "CoOpFields": "spec.prompt_fields",
    "ContextFields": "spec.prompt_fields",
    "ContextLearner": "prompts.context",
    "Count": "spec.fields",
    "Dataset": "data.dataset",
    "EpisodeFeatures": "training.episode_features",
    "FeatureStore": "data.store",
    "Fields": "spec.prompt_fields",
    "TrainingRun": "training.training_run",
    "FitResult": "training.api",
    "ImageClassifier": "prompts.learner",
    "Item": "data.dataset",
    "Kind": "spec.prompts",
    "Learner": "prompts.learner",
    "Method": "spec.method",
    "Prompt": "prompts.artifact",
    "Reference": "training.references.saved",
    "ReferenceResult": "training.references.fitted",
    "TextClassifier": "prompts.text_classifier",
    "Trainer": "training.trainer",
    "UserError": "messages.errors",
    "backbone_from_open_clip": "vlm.from_open_clip",
    "encode_text": "vlm.text",
    "encode_variants": "vlm.variants",
    "episode_features": "training.episode_features",
    "evaluate": "training.evaluation",
    "fit": "training.api",
    "fit_reference": "training.references.fitted",
    "load_backbone": "vlm.load_backbone",
    "load_dataset": "data.registry",
    "load_prompt": "prompts.artifact",
    "load_reference": "training.references.saved",
    "read_method": "spec.outside.methods",
    "save_prompt": "prompts.artifact",
    "save_reference": "training.references.saved",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
