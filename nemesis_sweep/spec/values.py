"""Plain values by name, as YAML and JSON have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Values = Mapping[str, Any]
"""Parameters of a trial, the fields of its method, or options: whatever a name may stand for."""
