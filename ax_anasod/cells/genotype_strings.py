"""The text of a genotype: read by patterns and a small grammar, never evaluated.

The form that this package writes is read by one pattern. Everything else that people have, as
logs, scripts and JSON hold it, is read value by value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from ax_anasod.cells import strings
from ax_anasod.exceptions import shown

GenotypeEdge = tuple[str, int]  # an operation and the input it reads

_EDGE = re.compile(r"""\(\s*(?:'([^'"]+)'|"([^'"]+)")\s*,\s*(\d{1,4})\s*\)""")
_EDGES = re.compile(rf"\s*(?:{_EDGE.pattern}\s*(?:,\s*(?=\()|$))*")

_LONGEST: Final = 100_000
_DEEPEST: Final = 20
_LONGEST_RANGE: Final = 1000
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>'[^'\\\n]*'|"[^"\\\n]*")|(?P<number>\d{1,4}(?![\w.]))"""
    r"""|(?P<name>[^\W\d][\w.]*)|(?P<sign>[()\[\]{}=,:]))"""
)
# A name that the genotype is given, or what a log has before it.
_BEFORE: Final = re.compile(r"[^()\[\]{}'\"]*=\s*(?=[\w.]+\s*\(|\{)")
_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}
# Names that programs print around a number, a text or a list.
_WRAPPERS: Final = re.compile(r"(?:.*\.)?(?:u?int\d*|str_?|tensor|array|list|tuple)")


def format_genotype(
    part_names: Sequence[str], edges: Sequence[GenotypeEdge], concat: list[int]
) -> str:
    """One genotype.

    Args:
        part_names: The parts, which share the edges equally.
        edges: The operation and the input of each block, part after part.
        concat: The nodes that make up the output of each part.

    Example:
        >>> format_genotype(["normal"], [("skip", 0), ("conv", 1)], [2])
        "Genotype(normal=[('skip', 0), ('conv', 1)], normal_concat=[2])"
    """
    size = len(edges) // len(part_names)
    fields = []
    for part, name in enumerate(part_names):
        own = edges[part * size : (part + 1) * size]
        blocks = ", ".join(f"('{operation}', {source})" for operation, source in own)
        fields.append(f"{name}=[{blocks}], {name}_concat={concat}")
    return f"Genotype({', '.join(fields)})"


def parse_genotypes(
    part_names: Sequence[str], texts: Sequence[str], concat: list[int]
) -> list[list[list[GenotypeEdge]]]:
    """The edges of each part of each genotype; inverse of `format_genotype`.

    Fields may stand in any order, or be those of a JSON object; edges may be in one list a node,
    tuples or lists; numbers and texts may be as NumPy prints them; a name or a log's line may
    stand before all; ``<part>_concat``, of which there is only one for a cell, may be missing.

    Args:
        part_names: The parts in the order they stand in.
        texts: The genotypes.
        concat: The nodes that each part must concatenate.

    Raises:
        ArchitectureError: If a text is no such genotype.
    """
    nodes = re.escape(str(concat)), rf"range\({concat[0]}, {concat[-1] + 1}\)"
    fields = ", ".join(
        rf"{name}=\[([^\]]*)\], {name}_concat=(?:{'|'.join(nodes)})"
        for name in map(re.escape, part_names)
    )
    pattern = re.compile(rf"Genotype\({fields}\)")
    genotypes = []
    for position, text in enumerate(texts):
        match = pattern.fullmatch(text)
        if match is not None and all(map(_EDGES.fullmatch, match.groups())):
            genotypes.append([_edges_of(part) for part in match.groups()])
            continue
        try:
            genotypes.append(_Reading(text).genotype(part_names, concat))
        except ValueError as error:
            form = ", ".join(f"{name}=[('op', input), ...]" for name in part_names)
            strings.refuse(texts, position, str(error), f"its form is Genotype({form})")
    return genotypes


def _edges_of(text: str) -> list[GenotypeEdge]:
    return [(single or double, int(source)) for single, double, source in _EDGE.findall(text)]


@dataclass
class _Called:
    """A name with arguments: those without a name of their own, and the others."""

    name: str
    values: list[Any]
    fields: dict[str, Any]


class _Reading:
    """Reads one genotype, whatever it looks like.

    Args:
        text: The genotype.

    Raises:
        ValueError: If the text is too long; the message says so.
    """

    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST:
            raise ValueError(f"it has {len(text):,} letters")
        self._text = text.replace("\ufeff", "")
        before = _BEFORE.match(self._text)
        self._at = before.end() if before else 0

    def genotype(self, part_names: Sequence[str], concat: list[int]) -> list[list[GenotypeEdge]]:
        """The edges of each part.

        Raises:
            ValueError: If the text is no genotype; the message says why.
        """
        whole = self._value(_DEEPEST)
        if self._text[self._at :].strip():
            self._refuse("its end was expected")
        names = [field for part in part_names for field in (part, f"{part}_concat")]
        fields = whole
        if isinstance(whole, _Called):
            fields = dict(zip(names, whole.values, strict=False)) | whole.fields
            if len(fields) < len(whole.values) + len(whole.fields):
                raise ValueError("it has too many fields")
        if not isinstance(fields, dict):
            raise ValueError("it is no genotype")
        for field in (*part_names, *fields):
            if field not in fields or field not in names:
                raise ValueError(f"it {'has a' if field in fields else 'lacks the'} field {field}")
        for part in part_names:
            nodes = fields.get(f"{part}_concat", concat)
            if nodes != concat:
                raise ValueError(f"{part}_concat is {shown(nodes)}, not {concat}")
        return [list(_edges(part, fields[part])) for part in part_names]

    def _value(self, deepest: int) -> Any:
        if deepest == 0:
            self._refuse("it is nested too deeply")
        kind, token = self._token()
        if kind == "text":
            return token[1:-1]
        if kind == "number":
            return int(token)
        if kind == "name":
            self._expect("(")
            return _called(*self._items(")", token, deepest - 1))
        if token not in _CLOSING:
            self._refuse("a list, a text or a number was expected", back=len(token))
        values, fields = self._items(_CLOSING[token], "", deepest - 1)[1:]
        if token == "{":
            if values:
                self._refuse("a name and a colon were expected")
            return fields
        if fields:
            self._refuse("a name has no place in a list")
        return values

    def _items(
        self, closing: str, name: str, deepest: int
    ) -> tuple[str, list[Any], dict[str, Any]]:
        """The text up to a closing bracket."""
        values: list[Any] = []
        fields: dict[str, Any] = {}
        while not self._next(closing):
            key = self._key(closing)
            value = self._value(deepest)
            if key is None:
                values.append(value)
            elif key in fields:
                self._refuse(f"{key} is there twice")
            else:
                fields[key] = value
            if not self._next(","):
                self._expect(closing)
                break
        return name, values, fields

    def _key(self, closing: str) -> str | None:
        start = self._at
        kind, token = self._token()
        if closing == "}" and kind == "text" and self._next(":"):
            return token[1:-1]
        if closing == ")" and kind == "name" and self._next("="):
            return token
        self._at = start
        return None

    def _token(self) -> tuple[str, str]:
        match = _TOKEN.match(self._text, self._at)
        if match is None or match.lastgroup is None:
            self._refuse("it cannot be read")
        self._at = match.end()
        return match.lastgroup, match[match.lastgroup]

    def _next(self, sign: str) -> bool:
        match = _TOKEN.match(self._text, self._at)
        if match is None or match["sign"] != sign:
            return False
        self._at = match.end()
        return True

    def _expect(self, sign: str) -> None:
        if not self._next(sign):
            self._refuse(f"{sign!r} was expected")

    def _refuse(self, reason: str, back: int = 0) -> NoReturn:
        at = self._at - back
        rest = self._text[at : at + 20].strip()
        where = f"at {rest!r} (letter {at + 1})" if rest else "at its end"
        raise ValueError(f"{where}, {reason}")


def _called(name: str, values: list[Any], fields: dict[str, Any]) -> Any:
    if name == "range" and len(values) in (1, 2) and {*map(type, values)} == {int} and not fields:
        if values[-1] > _LONGEST_RANGE:
            raise ValueError(f"range({values[-1]}) has more nodes than any cell")
        return list(range(*values))
    if _WRAPPERS.fullmatch(name) and len(values) == 1 and not fields:
        return values[0]
    return _Called(name, values, fields)


def _edges(part: str, value: Any) -> Iterator[GenotypeEdge]:
    """The edges in a value, in their order, however they are grouped."""
    parts = [*value.values, *value.fields.values()] if isinstance(value, _Called) else value
    if not isinstance(parts, list):
        raise ValueError(f"{part} is no list of ('operation', input) pairs")
    if [*map(type, parts)] == [str, int]:
        yield parts[0], parts[1]
        return
    for inner in parts:
        yield from _edges(part, inner)
