"""Names of torchvision's datasets, without importing torchvision."""

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path

PREFIX = "torchvision:"


@cache
def torchvision_names() -> tuple[str, ...]:
    """What torchvision.datasets exports, read off its source; empty when torchvision is not installed."""
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        return ()
    tree = ast.parse((Path(spec.origin).parent / "datasets" / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets
        ):
            return tuple(ast.literal_eval(node.value))
    return ()
