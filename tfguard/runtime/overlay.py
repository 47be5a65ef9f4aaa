"""The rewritten sources of `tfguard run --migrate`: compiled with the names, lines and texts of the original files."""

import ast
import hashlib
import json
import os
from types import CodeType
from typing import Any, Dict, List, NamedTuple, Optional

from tfguard.runtime.classic import make_classic

#: What Python calls the program of `-c`.
COMMAND = "<string>"
_DIGEST_BYTES = 16


class Rewritten(NamedTuple):
    """The text that is compiled in the place of a file's own."""

    #: Of the original bytes: a file that has changed since runs as it is.
    digest: str
    text: str
    #: For each line of the text the line of the original; negative where the two differ.
    lines: List[int]
    #: Was the original Python 2, and does `/` of whole numbers floor in it?
    python2: bool = False
    floors: bool = False

    def compile(self, filename: str) -> CodeType:
        """The code, whose lines are those of the original; raises SyntaxError where this Python cannot read it."""
        tree: Any = compile(self.text, filename, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
        if self.python2:
            make_classic(tree, floors=self.floors)
        for node in ast.walk(tree):
            if hasattr(node, "lineno"):
                self._move(node)
        code: CodeType = compile(tree, filename, "exec", dont_inherit=True)
        return code

    def _move(self, node: Any) -> None:
        """To the original lines; columns are kept where both ends stand in lines that did not change."""
        start = self.lines[node.lineno - 1]
        end = self.lines[(getattr(node, "end_lineno", None) or node.lineno) - 1]
        node.lineno = abs(start)
        is_kept = start > 0 and end > 0
        if getattr(node, "end_lineno", None) is not None:
            node.end_lineno = end if is_kept else abs(start)
            if not is_kept:
                node.end_col_offset = -1
        if not is_kept:
            node.col_offset = -1

    def line_of(self, original: int) -> Optional[int]:
        """The line of the text that stands for a line of the original: the same one, else the last of its lines."""
        if original in self.lines:
            return self.lines.index(original) + 1
        if -original in self.lines:
            return len(self.lines) - self.lines[::-1].index(-original)
        return None


class Overlay:
    """Rewritten texts by the real paths of their files."""

    def __init__(self, files: Dict[str, Rewritten], remarks: List[List[str]], done: List[str]) -> None:
        self.files = files
        #: What was done, in words.
        self.done = done
        #: What was left as it is, and why: pairs for `Telling.say_missed`.
        self.remarks = remarks
        #: What was compiled, by the name of the file that its code has.
        self.compiled: Dict[str, Rewritten] = {}

    def find(self, path: str, raw: Optional[bytes] = None) -> Optional[Rewritten]:
        """The rewritten text of a file whose content is still the one that was rewritten."""
        rewritten = self.files.get(path if path == COMMAND else os.path.realpath(path))
        if rewritten is None:
            return None
        if raw is None:
            try:
                with open(path, "rb") as stream:
                    raw = stream.read()
            except OSError:
                return None
        return rewritten if digest_of(raw) == rewritten.digest else None

    def code_of(self, path: str, raw: Optional[bytes] = None) -> Optional[CodeType]:
        """The code to run in the place of a file's own; None where that runs as it is."""
        rewritten = self.find(path, raw)
        return None if rewritten is None else self.compile(rewritten, path)

    def compile(self, rewritten: Rewritten, filename: str) -> Optional[CodeType]:
        """None where this Python cannot read the text: then it cannot read the original either, and says so."""
        try:
            code = rewritten.compile(filename)
        except SyntaxError:
            return None
        self.compiled[filename] = rewritten
        return code


def digest_of(raw: bytes) -> str:
    """By which a file is known to be the one that was rewritten."""
    return hashlib.blake2b(raw, digest_size=_DIGEST_BYTES).hexdigest()


def read_overlay(path: str) -> Optional[Overlay]:
    """What the command wrote; None once the first process has ended and taken it away."""
    try:
        with open(path, encoding="utf-8") as stream:
            document = json.load(stream)
    except FileNotFoundError:
        return None
    files = {name: Rewritten(**entry) for name, entry in document["files"].items()}
    return Overlay(files, document["remarks"], document["done"])


def dump_overlay(files: Dict[str, Rewritten], remarks: List[List[str]], done: List[str]) -> str:
    """What `read_overlay` reads."""
    texts = {name: files[name]._asdict() for name in sorted(files)}
    return json.dumps({"files": texts, "remarks": remarks, "done": done})
