"""The `method` section: what one trial trains. Symbols and defaults follow CoOp and the Nemesis paper."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from nemesis_sweep.messages.faults import Path
from nemesis_sweep.spec.choices import ANNEAL_FIELDS, PRECISIONS, OneOf
from nemesis_sweep.spec.fields import Count, Section, to_whole
from nemesis_sweep.spec.kinds import KINDS
from nemesis_sweep.spec.names import DatasetName, PromptName
from nemesis_sweep.spec.prompt_fields import PromptFields
from nemesis_sweep.spec.prompts import Kinds, reads_of
from nemesis_sweep.spec.reads import Reads
from nemesis_sweep.spec.strengths import AllStrengths
from nemesis_sweep.spec.training_fields import TrainingFields
from nemesis_sweep.spec.values import Values


def _shots(key: Any) -> Any:
    number = to_whole(key)
    if type(number) is not int or number < 1:
        raise PydanticCustomError("shots", "not a number of shots", {"allowed": "a whole number >= 1"})
    return number


Shots = Annotated[int, BeforeValidator(_shots)]


class _Prompted(Section):
    """prompt: kind of learnable prompt, or of a row without one: a name of ``spec.kinds.KINDS``."""

    prompt: PromptName = "coop"


class Method(TrainingFields, AllStrengths, PromptFields, _Prompted):
    """One configuration, complete: loss = CE + anneal(e) * [beta * PUN + (1 - beta) * PAN].

    The fields of all kinds of prompts stand side by side; ``spec.kinds`` says which has which.
    views: augmented versions kept per training image, or "epochs" for a new one each epoch.
    """

    kinds: ClassVar[Kinds] = KINDS
    """The kinds whose fields these are."""

    views: Count | Literal["epochs"] = 16
    precision: Annotated[str, OneOf(PRECISIONS)] = "fp32"

    @property
    def reads(self) -> Reads:
        """What its prompt sees of an image."""
        return reads_of(dict(self), self.kinds)

    @classmethod
    def method_fields(cls) -> dict[str, FieldInfo]:
        """The fields that one configuration has, by name."""
        return {name: field for name, field in cls.model_fields.items() if name not in TABLES}


TABLES = ("per_shots", "per_dataset")
"""Keys of the section beside the fields of one configuration."""


def visible_values(method: Values) -> dict[str, Any]:
    """Return a method's fields as constraints see them: `views: epochs` is as many views as epochs."""
    return {**method, "views": method["epochs"] if method["views"] == "epochs" else method["views"]}


PENALTY_FIELDS = frozenset(
    ("omega", "beta", "norm", "anneal", "corruption", "corrupt_by", "n_positions", "selection", "reduction")
).union(ANNEAL_FIELDS)
"""Fields of the penalty; without one they change nothing."""

Layer = tuple[Path, dict[str, Any]]
"""Fixed values by name, and the keys under which they stand."""


class MethodSection(Method):
    """Fixed values for all tasks.

    per_shots: others for some numbers of shots, such as longer training with more images. per_dataset: others
    for some datasets; they go over those of shots, as a dataset is an exception to what shots suggest
    (CoOp trains ImageNet 50 epochs at every number of shots). Of an entry only the fields that were written
    count (`model_fields_set`).
    """

    per_shots: dict[Shots, Method] = Field(default_factory=dict)
    per_dataset: dict[DatasetName, Method] = Field(default_factory=dict)

    def fixed(self) -> dict[str, Any]:
        """Return the values that were written for all tasks, defaults left out."""
        return _written(self)

    def layers(self, dataset: str, shots: int) -> list[Layer]:
        """Return what is written for the tasks of a dataset and a number of shots, and where.

        The later go over the earlier: the section's own values, those of the shots, those of the dataset.
        """
        chosen = {("method",), ("method", "per_shots", shots), ("method", "per_dataset", dataset)}
        return [layer for layer in self.all_layers() if layer[0] in chosen]

    def all_layers(self) -> list[Layer]:
        """Return everything that is written, and where; the later go over the earlier."""
        shots = [(("method", "per_shots", key), _written(own)) for key, own in self.per_shots.items()]
        datasets = [(("method", "per_dataset", key), _written(own)) for key, own in self.per_dataset.items()]
        return [(("method",), _written(self)), *shots, *datasets]

    def values(self, dataset: str, shots: int) -> dict[str, Any]:
        """Return the values that are written for the tasks of a dataset and a number of shots."""
        return {name: value for _, layer in self.layers(dataset, shots) for name, value in layer.items()}


def _written(method: Method) -> dict[str, Any]:
    names = method.model_fields_set
    return {name: getattr(method, name) for name in method.method_fields() if name in names}
