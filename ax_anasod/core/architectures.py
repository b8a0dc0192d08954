"""The architecture of a trial: the one recorded with it, or else the one drawn for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from ax.core.arm import Arm
from ax.core.base_trial import BaseTrial
from ax.core.experiment import Experiment
from ax.core.generator_run import GeneratorRun

from ax_anasod._ax import experiment_of, nodes_of, set_candidate_metadata, strategy_of
from ax_anasod.cells import Architecture, Cell, from_dict
from ax_anasod.core.bound_space import CellBoundSearchSpace
from ax_anasod.core.cell_search_space import CellSearchSpace, search_space_of
from ax_anasod.core.search_experiment import RunProperties
from ax_anasod.core.search_space import AnasodSearchSpace
from ax_anasod.core.seeding import architecture_rng
from ax_anasod.exceptions import ArchitectureError, OptionError
from ax_anasod.journal import BETWEEN_LAYERS
from ax_anasod.typing import Codes, Counts

ARCHITECTURE: Final = "architecture"
"""Key of a trial's architecture: in its run metadata, if it was attached or evaluated, and
in the metadata of its arm, if a strategy proposed it."""

# Draws in search of an architecture without a trial, and codes drawn at a time.
_MOST_DRAWS: Final = 8192
_MOST_CODES: Final = 1_000_000


def architecture_of(client: object, trial_index: int) -> Architecture:
    """The architecture of a trial, in a loop, after it, and after saving and loading.

    Args:
        client: Ax's ``Client``, ``AxClient``, ``Orchestrator`` or ``Experiment``.
        trial_index: The index that Ax gave the trial.

    Returns:
        The architecture that was attached, or proposed, or, where nothing is recorded, the one
        that :meth:`AnasodSearchSpace.decode` draws for the trial.

    Raises:
        OptionError: The trial does not exist or is a batch of arms, or its cell or the seed of
            the run is not known.
        ArchitectureError: The trial is a network whose layers have different architectures.
    """
    experiment = experiment_of(client)
    trial = experiment.trials.get(trial_index)
    if trial is None or len(trial.arms) != 1:
        what = "there is no" if trial is None else "a batch of arms is"
        raise OptionError(f"{what} trial {trial_index!r}", f"trials: {len(experiment.trials)}")
    cell, seed = _cell_and_seed(client, experiment)
    arm = trial.arms[0]
    codes = recorded_codes(trial, arm, cell) if seed is None else codes_of(trial, arm, cell, seed)
    if codes is None:
        raise OptionError(
            f"the architecture of trial {trial_index} was drawn with a seed that is not known",
            "make_experiment stores the seed of a run",
        )
    if len(codes) > 1:
        raise ArchitectureError(
            f"trial {trial_index} is a network of {len(codes)} layers with an architecture each",
            f"experiment.trials[{trial_index}].run_metadata[{ARCHITECTURE!r}] names them",
        )
    return cell.architecture(codes[0])


def space_of_run(client: object) -> AnasodSearchSpace | CellSearchSpace:
    """The search space of a client's experiment, also where Ax holds a plain one.

    Raises:
        OptionError: The client has no experiment, or its cell is not known.
    """
    experiment = experiment_of(client)
    space = experiment.search_space
    if isinstance(space, AnasodSearchSpace | CellSearchSpace):
        return space
    cell, _ = _cell_and_seed(client, experiment)
    return search_space_of(cell, space.parameters)


def encoding_of(
    space: AnasodSearchSpace | CellSearchSpace, parameters: Mapping[str, Any]
) -> dict[str, int]:
    """The encoding that parameters stand for: operation -> count.

    Raises:
        EncodingError: The parameters are no encoding of the cell.
        ArchitectureError: The parameters are no architecture of the cell.
    """
    if isinstance(space, AnasodSearchSpace):
        counts = space.counts(parameters)
    else:
        counts = space.cell.encode(space.code(parameters)[None])[0]
    return dict(zip(space.cell.operations, counts.tolist(), strict=True))


def codes_of(trial: BaseTrial, arm: Arm, cell: Cell, seed: int) -> Codes:
    """The architecture of an arm of a trial: the recorded one, or the one drawn for it.

    Args:
        trial: The trial.
        arm: The arm.
        cell: The cell that is searched.
        seed: The seed of the run.

    Returns:
        Codes ``1 x d``, or one row a layer of a network whose layers differ.

    Raises:
        EncodingError: The parameters of the arm are no encoding of the cell.
        ArchitectureError: The parameters are no architecture of the cell.
    """
    codes = recorded_codes(trial, arm, cell)
    if codes is not None:
        return codes
    counts = search_space_of(cell, arm.parameters).rows([arm.parameters])[0]
    return cell.decode(counts[None], architecture_rng(seed, trial.index, counts))


def recorded_codes(
    trial: BaseTrial, arm: Arm, cell: Cell, *, with_proposed: bool = True
) -> Codes | None:
    """The architecture that is recorded with an arm of a trial, as for :func:`codes_of`.

    Args:
        trial: The trial.
        arm: The arm; parameters that name an architecture are the record.
        cell: The cell that is searched.
        with_proposed: True if proposals of a strategy count, or only what was attached or
            evaluated.

    Returns:
        None where nothing is recorded.
    """
    space = search_space_of(cell, arm.parameters)
    if space.kind == "architecture":
        return cell.canonical(space.rows([arm.parameters]))
    texts = [trial.run_metadata.get(ARCHITECTURE)]
    if with_proposed:
        texts.append(proposed_architecture(trial, arm))
    parsed = (_parsed(text, cell) for text in texts if isinstance(text, str))
    return next((codes for codes in parsed if codes is not None), None)


def proposed_architecture(trial: BaseTrial, arm: Arm) -> str | None:
    """The architecture that was proposed for an arm of a trial, as the string of its cell."""
    for run in trial.generator_runs:
        metadata = (run.candidate_metadata_by_arm_signature or {}).get(arm.signature) or {}
        if ARCHITECTURE in metadata:
            return str(metadata[ARCHITECTURE])
    return None


def record_architectures(
    run: GeneratorRun,
    experiment: Experiment,
    search_space: AnasodSearchSpace,
    seed: int,
    before: Sequence[Mapping[str, Any]],
    repeat: bool,
) -> None:
    """Choose the architectures of proposed encodings, and record them with the arms.

    Architectures without a trial are preferred, so that several trials of one encoding evaluate
    different architectures.

    Args:
        run: The proposals.
        experiment: The experiment, with the trials so far.
        search_space: The space of the encodings.
        seed: The seed of the run.
        before: Parameters that were proposed in the same call before, not yet trials.
        repeat: True if an architecture that already has a trial may be drawn again.
    """
    cell = search_space.cell
    first = 1 + max(experiment.trials, default=-1)
    metadata = dict(run.candidate_metadata_by_arm_signature or {})
    for arm in run.arms:
        counts = search_space.rows([arm.parameters])[0]
        taken: list[Codes] = []
        if not repeat:
            same = _same_encoding(experiment, search_space.names, arm.parameters)
            taken = [codes_of(trial, other, cell, seed) for trial, other in same]
            for position, row in enumerate(search_space.rows(before)):
                if (row == counts).all():
                    taken.append(_untried(cell, counts, seed, first + position, taken))
        code = _untried(cell, counts, seed, first + len(before), taken)
        text = cell.to_strings(code)[0]
        metadata[arm.signature] = {**(metadata.get(arm.signature) or {}), ARCHITECTURE: text}
    set_candidate_metadata(run, metadata)


def _untried(cell: Cell, counts: Counts, seed: int, index: int, taken: list[Codes]) -> Codes:
    """The first architecture drawn for a trial that no other trial has, ``1 x d``.

    The first one of all, where every architecture of the encoding has a trial.
    """
    rng = architecture_rng(seed, index, counts)
    code = cell.decode(counts[None], rng)
    if not taken:
        return code
    known = np.unique(cell.keys(cell.canonical(np.concatenate(taken))))
    if not np.isin(cell.keys(code), known).any():
        return code
    if len(known) < cell.num_architectures(counts[None])[0]:
        size = max(1, min(_MOST_DRAWS, _MOST_CODES // code.shape[1]))
        others = cell.decode(np.repeat(counts[None], size, axis=0), rng)
        new = np.flatnonzero(~np.isin(cell.keys(others), known))
        if len(new):
            return others[new[:1]]
    return code


def _same_encoding(
    experiment: Experiment, names: list[str], parameters: Mapping[str, Any]
) -> list[tuple[BaseTrial, Arm]]:
    wanted = {name: parameters[name] for name in names}
    return [
        (trial, arm)
        for trial in experiment.trials.values()
        for arm in trial.arms
        if all(arm.parameters.get(name) == count for name, count in wanted.items())
    ]


def _parsed(text: str, cell: Cell) -> Codes | None:
    # A runner of the user's own may mean something else by the word.
    try:
        return cell.from_strings(text.split(BETWEEN_LAYERS))
    except ArchitectureError:
        return None


def _cell_and_seed(client: object, experiment: Experiment) -> tuple[Cell, int | None]:
    properties, space = RunProperties.read(experiment), experiment.search_space
    seed = None if properties is None else properties.seed
    if isinstance(space, CellBoundSearchSpace):
        return space.cell, seed
    if properties is not None:
        return from_dict(properties.cell), seed
    # An experiment that AxClient made knows neither: its strategy does.
    for arguments in _arguments_of_generators(client):
        if "cell" in arguments:
            return from_dict(dict(arguments["cell"])), arguments.get("seed")
    raise OptionError(
        "the experiment does not say which cell it searches",
        "build it with make_experiment or make_client, or pass its client",
    )


def _arguments_of_generators(client: object) -> Iterator[dict[str, Any]]:
    try:
        nodes = nodes_of(strategy_of(client))
    except OptionError:
        return
    for node in nodes:
        yield from (spec.generator_kwargs for spec in node.generator_specs)
