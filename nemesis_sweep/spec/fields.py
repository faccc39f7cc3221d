"""Field types shared by the sections of a sweep file."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """A mapping of a sweep file: unknown keys and silent conversions (`"3"`, `true` for 1) are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=())


def to_whole(value: Any) -> Any:
    """Return 1000 for 1000.0, everything else as it is: `1e3` reads as a float but means a count."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Item = TypeVar("Item")


def _distinct(items: list[Item]) -> list[Item]:
    for place, item in enumerate(items):
        if item in items[:place]:
            raise PydanticCustomError("twice", "{item} is listed twice", {"item": str(item)})
    return items


ALL_SEEDS = 2**32
"""How many seeds there are, from 0 on."""

Whole = Annotated[int, BeforeValidator(to_whole)]
Natural = Annotated[int, Field(ge=0), BeforeValidator(to_whole)]
Count = Annotated[int, Field(ge=1), BeforeValidator(to_whole)]
Seed = Annotated[int, Field(ge=0, lt=ALL_SEEDS), BeforeValidator(to_whole)]
LARGEST = (2 - 2**-23) * 2.0**127
"""Of the numbers of fp32, in which all is trained: a larger one would be infinite there."""

Real = Annotated[float, Field(allow_inf_nan=False, ge=-LARGEST, le=LARGEST)]
Text = Annotated[str, Field(min_length=1)]
Distinct = Annotated[list[Item], AfterValidator(_distinct)]
NoneOrMany = Annotated[
    list[Item],
    Field(json_schema_extra={"one": True}),
    AfterValidator(_distinct),
    BeforeValidator(_listed),
]
OneOrMany = Annotated[
    list[Item],
    Field(min_length=1, json_schema_extra={"one": True}),
    AfterValidator(_distinct),
    BeforeValidator(_listed),
]
