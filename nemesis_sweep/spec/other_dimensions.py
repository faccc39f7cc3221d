"""Dimensions of a search space as other tools write them: W&B, Optuna, Ray Tune, Hydra, NNI."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Callable
from typing import Any

Form = dict[str, Any]
CALL = re.compile(r"\s*(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)\s*\((.*)\)\s*", re.DOTALL)
NOISE = {"type", "name", "distribution", "_type", "log_scale", "scale"}
"""Keys that say what the others show by themselves."""


def our_form(raw: Any) -> Form | None:
    """Return a dimension of another tool as it is here, such as `{"low": 0.1, "high": 10, "log": True}`.

    None for what is of none, and for what has no counterpart, such as a normal distribution.
    """
    try:
        if isinstance(raw, list):
            return {"choices": raw} if raw else None
        if isinstance(raw, str):
            return _of_call(raw)
        return _of_mapping(raw) if isinstance(raw, dict) else None
    except (ValueError, TypeError, SyntaxError, LookupError, OverflowError, RecursionError, MemoryError):
        return None


def _of_mapping(raw: dict[Any, Any]) -> Form | None:
    """W&B's `min`, `max`, `values`, `q`; NNI's `_type`, `_value`; ours with words too many."""
    kind = str(raw.get("distribution", raw.get("type", raw.get("_type", "")))).casefold()
    keys = set(raw) - NOISE
    if "_value" in raw:
        return _of_name(kind, list(raw["_value"]), {})
    if keys <= {"values", "choices", "categories", "options", "probabilities"} and keys:
        return {"choices": list(raw[min(keys - {"probabilities"})])}
    if keys == {"value"}:
        return {"choices": [raw["value"]]}
    low, high = (
        raw.get("min", raw.get("low", raw.get("lower"))),
        raw.get("max", raw.get("high", raw.get("upper"))),
    )
    known = {"min", "max", "low", "high", "lower", "upper", "q", "step", "log"}
    if low is None or high is None or not keys <= known or "normal" in kind:
        return None
    if "log_uniform" in kind and not kind.endswith("values") and "min" in raw:
        base = 10 if "10" in kind else math.e  # W&B's bounds are exponents there.
        low, high = float(f"{base**low:.6g}"), float(f"{base**high:.6g}")
    log = bool(raw.get("log")) or "log" in kind or "log" in str(raw.get("scale", raw.get("log_scale", "")))
    return _range(low, high, log=log, step=raw.get("step", raw.get("q")))


def _of_call(text: str) -> Form | None:
    """`tune.loguniform(0.1, 10)`, `choice(1, 2)`, `tag(log, interval(1, 10))`, `range(1, 9, 2)`."""
    found = CALL.fullmatch(text)
    if not found:
        return None
    name, inside = found.group(1).casefold(), found.group(2)
    if name == "tag":
        _, _, inner = inside.rpartition(", ") if "(" not in inside else inside.partition(",")
        form = _of_call(inner)
        return (
            _range(form["low"], form["high"], log=True)
            if form and "low" in form and "log" in inside
            else form
        )
    call = ast.parse(f"f({_quoted(inside)})", mode="eval").body
    assert isinstance(call, ast.Call)
    values = [ast.literal_eval(value) for value in call.args]
    named = {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in call.keywords}
    if values and isinstance(values[0], str) and name.startswith("suggest_"):
        values = values[1:]
    return _of_name(name, values, named)


def _quoted(inside: str) -> str:
    """Bare words in quotes, as YAML and Hydra have them: `choice(end, middle)`."""
    kept = r"(?:True|False|None|inf|nan)\b|\w+\s*=(?!=)"
    texts = r"'[^']*'|\"[^\"]*\""
    pattern = rf"{texts}|{kept}|[-+]?\d[\w.+-]*|([A-Za-z_][\w./-]*)"
    words = {"true": "True", "false": "False", "null": "None"}
    return re.sub(
        pattern, lambda m: words.get(m.group(1), repr(m.group(1))) if m.group(1) else m.group(0), inside
    )


def _of_name(name: str, values: list[Any], named: dict[str, Any]) -> Form | None:
    known: dict[str, Callable[[], Form]] = {
        "choice": lambda: _choices(values, named),
        "grid_search": lambda: _choices(values, named),
        "categorical": lambda: _choices(values, named),
        "suggest_categorical": lambda: _choices(values, named),
        "uniform": lambda: _bounds(values, named),
        "interval": lambda: _bounds(values, named),
        "quniform": lambda: _bounds(values, named, step=True),
        "loguniform": lambda: _bounds(values, named, log=True),
        "qloguniform": lambda: _bounds(values[:2], named, log=True),
        "randint": lambda: _whole(values, named),
        "qrandint": lambda: _bounds(values, named, step=True),
        "lograndint": lambda: {**_whole(values, named), "log": True},
        "range": lambda: _whole(values, named, step=True),
        "suggest_float": lambda: _bounds(values, named),
        "suggest_uniform": lambda: _bounds(values, named),
        "suggest_loguniform": lambda: _bounds(values, named, log=True),
        "suggest_int": lambda: _bounds(values, named),
    }
    return known[name]() if name in known else None


def _choices(values: list[Any], named: dict[str, Any]) -> Form:
    values = values or list(named.values())
    inner = values[0] if len(values) == 1 and isinstance(values[0], list | tuple) else values
    return {"choices": list(inner)}


def _bounds(values: list[Any], named: dict[str, Any], log: bool = False, step: bool = False) -> Form:
    low = named.get("lower", named.get("low", values[0] if values else None))
    high = named.get("upper", named.get("high", values[1] if len(values) > 1 else None))
    distance = named.get("step", named.get("q", values[2] if step and len(values) > 2 else None))
    return _range(low, high, log=log or bool(named.get("log")), step=distance)


def _whole(values: list[Any], named: dict[str, Any], step: bool = False) -> Form:
    """Whole numbers of which the upper bound is left out, as in Python."""
    if len(values) == 1 and not named:
        values = [0, values[0]]
    form = _bounds(values, named)
    low, high = form["low"], form["high"]
    distance = int(values[2]) if step and len(values) > 2 else 1
    last = low + (int(high) - 1 - low) // distance * distance
    return _range(low, last, step=distance if distance > 1 else None)


def _range(low: Any, high: Any, log: bool = False, step: Any = None) -> Form:
    if not all(isinstance(bound, int | float) and not isinstance(bound, bool) for bound in (low, high)):
        raise TypeError("bounds that are no numbers")
    form: Form = {"low": low, "high": high}
    if log:
        form["log"] = True
    elif step not in (None, False):
        form["step"] = step
    return form


def written(form: Form) -> str:
    """Return a dimension as a line of YAML: `{low: 0.1, high: 10, log: true}`."""

    def value(one: Any) -> str:
        if isinstance(one, list):
            return f"[{', '.join(map(value, one))}]"
        plain = isinstance(one, str) and re.fullmatch(r"[A-Za-z][\w.-]*", one)
        return str(one) if plain and one not in ("true", "false", "null") else json.dumps(one)

    return f"{{{', '.join(f'{key}: {value(inner)}' for key, inner in form.items())}}}"
