"""What `distributed.toml` says (part of TFG317 to TFG320)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tfguard.tables import load_toml


@lru_cache(maxsize=1)
def load_distributed() -> Mapping[str, Mapping[str, Any]]:
    """Read distributed.toml once a process."""
    return load_toml("distributed.toml")
