"""Bytes to text and back as Python itself does it: BOM, PEP 263 cookie, UTF-8 otherwise."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tfguard.errors import DecodeError, GateError

BOM = b"\xef\xbb\xbf"

#: The cookie stands in the first line, or in the second when the first is blank or a comment.
_COOKIE = re.compile(rb"(?:[ \t\f]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))??[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)")
_NEWLINE = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text of a file and what is needed to write it back."""

    text: str
    encoding: str
    has_bom: bool


def decode_bytes(raw: bytes) -> Decoded:
    """Decode a Python file; raises DecodeError where Python would not read it either."""
    has_bom = raw.startswith(BOM)
    body = raw[3:] if has_bom else raw
    if b"\0" in body:
        raise _null_byte(body)
    encoding = _declared_encoding(body)
    if has_bom and encoding not in (None, "utf-8"):
        raise DecodeError(
            f"the file begins with a UTF-8 byte order mark but declares the encoding {encoding}",
            "remove the byte order mark or the encoding declaration",
            line=1,
            column=1,
        )
    return Decoded(_decode(body, encoding or "utf-8"), encoding or "utf-8", has_bom)


def encode_text(text: str, like: Decoded) -> bytes:
    """Encode `text` as the file `like` was; raises GateError where that cannot be done."""
    try:
        body = text.encode(like.encoding)
    except UnicodeEncodeError as error:
        character = error.object[error.start : error.start + 1]
        raise GateError(
            f"the character {character!r} cannot be written in the file's encoding {like.encoding}"
        ) from error
    return BOM + body if like.has_bom else body


def line_and_column(data: bytes, offset: int, encoding: str = "utf-8") -> tuple[int, int]:
    """1-based line and column (in characters) of a byte offset."""
    line, start = 1, 0
    for match in _NEWLINE.finditer(data, 0, offset):
        line, start = line + 1, match.end()
    return line, len(data[start:offset].decode(encoding, "replace")) + 1


def _declared_encoding(body: bytes) -> str | None:
    match = _COOKIE.match(body)
    if match is None:
        return None
    return _normal_name(match[1].decode("ascii", "replace"))


def _normal_name(name: str) -> str:
    lowered = name[:12].lower().replace("_", "-")
    if lowered == "utf-8" or lowered.startswith("utf-8-"):
        return "utf-8"
    return name


def _decode(body: bytes, encoding: str) -> str:
    if encoding != "utf-8" and not _holds_ascii(encoding):
        raise _unknown_encoding(encoding)
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        line, column = line_and_column(body, error.start, encoding)
        byte = body[error.start : error.start + 1].hex()
        remedy = "save the file as UTF-8 or declare its encoding: `# -*- coding: latin-1 -*-` in the first line"
        raise DecodeError(f"byte 0x{byte} is not {encoding}", remedy, line=line, column=column) from error


def _holds_ascii(encoding: str) -> bool:
    """False for what is no text encoding, and for those (utf-16, cp037) that cannot hold a cookie in ASCII."""
    try:
        return b"coding".decode(encoding) == "coding"
    except (LookupError, UnicodeError):
        return False


def _unknown_encoding(encoding: str) -> DecodeError:
    remedy = "declare an encoding that Python knows, or remove the declaration of a UTF-8 file"
    return DecodeError(f"the encoding {encoding} is not one that Python source can have", remedy, line=1, column=1)


def _null_byte(body: bytes) -> DecodeError:
    line, column = line_and_column(body, body.index(b"\0"), "latin-1")
    remedy = "save the file as UTF-8; Python does not read files with null bytes (UTF-16 has them)"
    return DecodeError("the file holds a null byte", remedy, line=line, column=column)
