"""What `tfguard check` is measured against: `libcst.parse_module` of every file that a list names."""

import sys
from pathlib import Path

import libcst

for name in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
    try:
        libcst.parse_module(Path(name).read_bytes())
    except (libcst.ParserSyntaxError, UnicodeDecodeError, RecursionError):
        continue
