"""The text of a genotype: read by patterns, never evaluated."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ax_anasod.cells import strings

Edge = tuple[str, int]  # an operation and the input it reads

_EDGE = re.compile(r"""\(\s*(?:'([^'"]+)'|"([^'"]+)")\s*,\s*(\d{1,4})\s*\)""")
_EDGES = re.compile(rf"\s*(?:{_EDGE.pattern}\s*(?:,\s*(?=\()|$))*")
_RANGE = re.compile(r"range\(\s*(\d{1,4})\s*,\s*(\d{1,4})\s*\)")
_LIST = re.compile(r"\[\s*(\d{1,4}(?:\s*,\s*\d{1,4})*)\s*\]")


def format_genotype(part_names: Sequence[str], edges: Sequence[Edge], concat: list[int]) -> str:
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
) -> list[list[list[Edge]]]:
    """The edges of each part of each genotype; inverse of `format_genotype`.

    White space does not matter, and the concatenated nodes may be written as ``range(2, 6)``.

    Args:
        part_names: The parts in the order they stand in.
        texts: The genotypes.
        concat: The nodes that each part must concatenate.

    Raises:
        ArchitectureError: If a text is no such genotype.
    """
    fields = r"\s*,\s*".join(
        rf"{name}\s*=\s*\[([^\]]*)\]\s*,\s*{name}_concat\s*=\s*(\[[^\]]*\]|range\([^)]*\))"
        for name in map(re.escape, part_names)
    )
    pattern = re.compile(rf"\s*Genotype\(\s*{fields}\s*\)\s*")
    form = ", ".join(f"{name}=[...], {name}_concat=[...]" for name in part_names)
    genotypes = []
    for position, text in enumerate(texts):
        match = pattern.fullmatch(text)
        if match is None:
            strings.refuse(texts, position, f"it does not have the form Genotype({form})")
        parts = []
        for part, name in enumerate(part_names):
            edges, nodes = match.group(2 * part + 1), match.group(2 * part + 2)
            if _parse_nodes(nodes) != concat:
                strings.refuse(texts, position, f"{name}_concat is {nodes}, not {concat}")
            parts.append(_parse_edges(texts, position, name, edges))
        genotypes.append(parts)
    return genotypes


def _parse_nodes(text: str) -> list[int]:
    if match := _RANGE.fullmatch(text):
        return list(range(int(match[1]), int(match[2])))
    if match := _LIST.fullmatch(text):
        return [int(node) for node in match[1].split(",")]
    return []


def _parse_edges(texts: Sequence[str], position: int, name: str, text: str) -> list[Edge]:
    if not _EDGES.fullmatch(text):
        strings.refuse(texts, position, f"{name} is no list of ('operation', input) pairs")
    return [(single or double, int(source)) for single, double, source in _EDGE.findall(text)]
