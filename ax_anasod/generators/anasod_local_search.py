"""Local search on encodings first, then on architectures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.core.seeding import representative_rng
from ax_anasod.generators.climbing import ClimbState, climb
from ax_anasod.generators.evaluations import Evaluations
from ax_anasod.generators.local_search import LocalSearchGenerator
from ax_anasod.simplex import neighbours, sample_uniform
from ax_anasod.typing import Codes, Counts, Values


class AnasodLocalSearchGenerator(LocalSearchGenerator):
    """ANASOD-LS (paper, Algorithm 3 and App. B): first on encodings, then on architectures.

    A climb starts from the best of some encodings drawn uniformly from the simplex. In its
    first phase, each neighbouring encoding (one block moved to another operation) is judged
    by one architecture drawn from it. Once none is better, the second phase climbs on
    architectures, from the one that the best encoding was judged by; then it starts again.

    Algorithm 3 draws a new architecture from the best encoding there (line 9). That one is
    on average worse than the one already evaluated, which is the best seen, and App. A.1
    continues from "the best performing architecture up to the current iteration".

    State, pending and failed trials are as in :class:`LocalSearchGenerator`.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        num_initial: Random encodings of which the best starts a climb.

    Raises:
        OptionError: ``num_initial`` is below 1.
    """

    def draw_starts(self, n: int, rng: np.random.Generator, fixed: Mapping[int, int]) -> Codes:
        """Draw one architecture from each of ``n`` uniform encodings, codes ``n x d``."""
        counts = self.cell.snap(sample_uniform(self.cell.num_operations, n, rng))
        codes = self.admissible(self.cell.decode(counts, rng), fixed)
        return codes if len(codes) else self.draw(n, rng, fixed)

    def climb_from(
        self,
        values: Values,
        starts: Codes,
        restart: int,
        seen: Evaluations,
        fixed: Mapping[int, int],
    ) -> Codes | None:
        """Climb from the best start until a value is missing; see the base class."""
        counts = encodings_of(self.cell, starts)
        # A start stands for its encoding; if several have the same one, the best of them does.
        judged = {counts[i].tobytes(): starts[i] for i in np.argsort(-values, kind="stable")}

        def around(place: ClimbState) -> tuple[Counts, Codes]:
            rows, codes = _encodings_around(
                self.cell, self.seed, restart, tuple(place.row.tolist())
            )
            codes = np.array(
                [judged.get(row.tobytes(), code) for row, code in zip(rows, codes, strict=True)],
                dtype=codes.dtype,
            ).reshape(codes.shape)
            if fixed:
                keep = (codes[:, list(fixed)] == list(fixed.values())).all(axis=1)
                rows, codes = rows[keep], codes[keep]
            return rows, codes

        best = int(values.argmin())
        first = climb(ClimbState(counts[best], starts[best]), around, seen, self.seed)
        if first.query is not None:
            return first.query
        return self.climb_architectures(first.top.code, seen, fixed)


def encodings_of(cell: Cell, codes: Codes) -> Counts:
    """The encodings of ``n x d`` codes, counts ``n x k`` that sum to ``cell.total``.

    If the parts of a cell have different counts, it is the nearest encoding that all parts
    share.
    """
    return cell.snap(cell.encode(codes) / cell.num_blocks)


@lru_cache(maxsize=4096)
def _encodings_around(
    cell: Cell, seed: int, restart: int, counts: tuple[int, ...]
) -> tuple[Counts, Codes]:
    """The neighbouring encodings ``m x k``, and an architecture of each, ``m x d``.

    The architecture of an encoding does not depend on the neighbour it is reached from.
    """
    rows = neighbours(np.array(counts))
    rows = rows[cell.is_feasible(rows)]
    codes = np.empty((len(rows), len(cell.code_sizes)), dtype=np.int64)
    for i, row in enumerate(rows):
        codes[i] = cell.decode(row[None], representative_rng(seed, restart, row))[0]
    rows.flags.writeable = codes.flags.writeable = False
    return rows, codes
