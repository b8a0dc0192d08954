"""Results or progress of a differentiable search; this needs neither Ax nor torch."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any, Final

from rich.text import Text

from ax_anasod.cli.summary import duration
from ax_anasod.cli.terminal import listing, note, print_result
from ax_anasod.dnas.result_files import CONFIG, EPOCHS, LOCK, RANKED, RESULTS
from ax_anasod.exceptions import RunError
from ax_anasod.files import read_json
from ax_anasod.journal import is_being_written

_MOST_CELLS_SHOWN: Final = 5
# Columns of the epochs that are no numbers, and those of whole ones.
_TEXTS: Final = ("drawn", "likeliest")
_WHOLE: Final = ("epoch", "steps")


def show_search(folder: Path, *, as_json: bool) -> None:
    """Show what the differentiable search in a folder has found so far; it may be going on.

    Raises:
        RunError: A file of the folder cannot be read, or is damaged.
    """
    finished = (folder / RESULTS).exists()
    # Read before the state: a search that ends meanwhile is shown as running, not as stopped.
    content = read_json(folder / RESULTS, dict[str, Any]) if finished else None
    config = read_json(folder / CONFIG, dict[str, Any])
    running = is_being_written(folder / LOCK)
    try:
        if content is None:
            planned = int(config["task"]["training"]["epochs"])
            content = _progress(config, _curve(folder / EPOCHS))
            state = _state(content["epochs"], planned, running, folder)
        else:
            state = "finished"
        print_summary({**content, "out": str(folder)}, as_json=as_json, state=state)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise RunError(
            f"the differentiable search in {folder} cannot be shown, a file of it is damaged: "
            f"{type(error).__name__}: {error}",
            f"write its results again with: ax-anasod resume {quote(str(folder))}",
        ) from error


def print_summary(content: Mapping[str, Any], *, as_json: bool, state: str | None = None) -> None:
    """Print the results: JSON on stdout and the table on stderr, or the table on stdout.

    Args:
        content: The summary by `ax_anasod.dnas.OneShotRun.summary`; of a search on its way, what is
            known of it.
        as_json: Print JSON.
        state: State of the search, if it needs a line.
    """
    table = listing(content["method"], f"on {content['dataset']}, seed {content['seed']}")
    if state is not None:
        table.add_row("state", state)
    for name, words in _rows(content):
        # Text, since names of operations and columns may hold what rich reads as markup.
        table.add_row(Text(name), Text(words))
    print_result(table, content=dict(content) if as_json else None)
    for sentence in content["warnings"]:
        note(sentence)


def _rows(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The rows of the table: name and words."""
    shares = content["p"]
    if isinstance(shares, list):
        names = shares[0].keys()
        shares = {name: sum(row[name] for row in shares) / len(shares) for name in names}
    if shares is not None:
        yield (
            "p",
            ", ".join(f"{share:.2f} {name}" for name, share in shares.items() if share >= 0.005),
        )
    if content["best"] is None:
        yield from _latest(content["curve"][-1:])
    else:
        yield from _found(content)
    seconds = content["seconds_per_step"]
    if seconds is not None:
        yield (
            "a step",
            f"{duration(seconds['distribution'])} for p, {duration(seconds['weights'])} for the "
            f"weights; {content['memory_mib']:.0f} MiB",
        )
    if content["out"] is not None:
        yield "folder", content["out"]


def _found(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "epochs", f"{content['epochs']} (p of epoch {content['best_epoch']})"
    candidates, oracle = content["candidates"], content["oracle"]
    yield "cells", f"{len(candidates)}, {RANKED[content['ranked_by']]}"
    if content["agreement"] is not None:
        yield "rank agreement", f"{content['agreement']:.2f} with short trainings"
    for position, candidate in enumerate(candidates[:_MOST_CELLS_SHOWN]):
        score = "" if candidate["score"] is None else f"  score {candidate['score']:.3f}"
        error = "" if candidate["oracle"] is None else f"  oracle {candidate['oracle']:.2f} %"
        yield "" if position else "best cell", f"{candidate['architecture']}{score}{error}"
    if oracle is not None:
        yield f"oracle ({oracle['objective']})", f"a draw from p {oracle['mean_error']:.2f} %"
        yield "", f"a uniform draw {oracle['uniform']:.2f} %"
        if oracle["optimum"] is not None:
            yield "", f"optimum {oracle['optimum']:.2f} %"


def _latest(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """The rows of the last epoch, for a search that is not finished."""
    for row in rows:
        losses = {"weights": "weights_loss", "p": "distribution_loss", "validation": "mixture_loss"}
        yield "last losses", ", ".join(f"{row[name]:.4f} {words}" for words, name in losses.items())
        yield "entropy", f"{row['entropy']:.2f} nats"
        if "mean_error" in row:
            yield "a draw from p", f"{row['mean_error']:.2f} % (oracle)"
        yield "draws in the supernet", f"error {row['draw_error']:.1f} %"


def _progress(config: Mapping[str, Any], curve: list[dict[str, Any]]) -> dict[str, Any]:
    """The keys of a summary, as far as they are known before the end."""
    last = curve[-1] if curve else None
    steps = sum(row["steps"] for row in curve)
    kinds = ("weights", "distribution", "data")
    return {
        "method": config["method_name"],
        "dataset": config["task"]["data"]["dataset"],
        "seed": config["seed"],
        "epochs": len(curve),
        "best_epoch": None,
        "p": last and {name[2:]: last[name] for name in last if name.startswith("p_")},
        "entropy": last and last["entropy"],
        "curve": curve,
        "candidates": [],
        "ranked_by": None,
        "agreement": None,
        "best": None,
        "oracle": None,
        "warnings": [],
        "seconds_per_step": last
        and {kind: sum(row[f"{kind}_seconds"] for row in curve) / steps for kind in kinds},
        "memory_mib": max((row["memory"] for row in curve), default=None),
    }


def _curve(file: Path) -> list[dict[str, Any]]:
    """The rows of ``epochs.csv``, none where there is no file yet."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"{file} cannot be read: {error.strerror}") from error
    return [
        {
            name: text if name in _TEXTS else int(text) if name in _WHOLE else float(text)
            for name, text in row.items()
        }
        for row in csv.DictReader(lines)
    ]


def _state(epochs: int, planned: int, running: bool, folder: Path) -> str:
    done = f"{epochs} of {planned} epochs"
    if running:
        return f"running, {done}" + (", cells are being ranked" if epochs >= planned else "")
    return f"stopped at {done}; go on with: ax-anasod resume {quote(str(folder))}"
