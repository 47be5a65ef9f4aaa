"""One door to TOML: the standard library's reader where there is one, `tomli` on Python 3.10."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class TomlError(Exception):
    """A file that is not TOML; the message names the line."""


def load_toml(path: Path) -> dict[str, Any]:
    """The document in a file; raises TomlError or OSError."""
    raw = path.read_bytes()
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise TomlError(f"not UTF-8 (at line {line})") from error
    except tomllib.TOMLDecodeError as error:
        last = raw.rstrip().count(b"\n") + 1
        raise TomlError(str(error).replace("at end of document", f"at line {last}, the end")) from error
