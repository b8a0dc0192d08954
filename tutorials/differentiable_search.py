# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation: {extension: .py, format_name: percent, format_version: '1.3'}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # One training that knows all architectures
#
# A search by queries trains one network for each trial. A differentiable search trains one
# network for all: a *supernet*, in which every place of an operation holds all operations, and
# their results are added, weighted by a distribution p. p learns by gradients beside the weights
# (paper, Section 3.2, Algorithm 1). It costs about as much as one training and says less than many
# do, so it is a way to begin. This notebook searches NAS-Bench-201 cells on scikit-learn's
# handwritten digits, asks what p is worth, and hands it over to a search by queries.
#
# 1. p, epoch by epoch
# 2. What a draw from p is worth
# 3. Cells in order of promise
# 4. The hand-over to `two-level-bo`

# %%
import os
import warnings
from dataclasses import replace
from datetime import UTC, datetime

import matplotlib.pyplot as plt
import numpy as np

# Networks this small gain nothing from more threads, and lose a lot where the cores are busy.
os.environ["OMP_NUM_THREADS"] = "1"
warnings.simplefilter("ignore")

from ax_anasod import architecture_of, cells, make_client
from ax_anasod.dnas import OneShotConfig, OneShotRun, method
from ax_anasod.dnas.edges import CellEdges
from ax_anasod.environment import environment
from ax_anasod.networks import published_config
from ax_anasod.training import DataConfig, Hardware, TrainingConfig, TrainingTask, load_data

# %% [markdown]
# ## 1. p, epoch by epoch
#
# Half of the images teach the weights, the other half p. In the paper all blocks share one p, over
# five operations here; `anasod-dnas+` is the paper's search and, at its end, a ranking of cells.
# `none` is left out while p learns: in a sum it computes nothing, and its share only drifts.

# %%
cell = cells.get("nas-bench-201")
task = TrainingTask(
    cell=cell,
    data=DataConfig("digits", images=1000, validation=0.5),
    network=published_config(cell, channels=8, cells=3),
    training=TrainingConfig(epochs=10, batch_size=25, learning_rate=0.05),
    hardware=Hardware("cpu", threads=1),
    layers="repeated",
)
images = load_data(task.data)
task = task.fitted(images)
config = OneShotConfig(
    environment=environment(),
    created=datetime.now(UTC).isoformat(timespec="seconds"),
    method_name="anasod-dnas+",
    method=method("anasod-dnas+", candidates=15, depth=task.network.cells),
    task=task,
    seed=0,
)
run = OneShotRun(config, images)
found = run.run()
steps = sum(epoch.steps for epoch in run.search.history)
print(f"{len(images.train)} digits for the weights, {len(images.valid)} for p; {steps} steps each")
print("p:", dict(zip(cell.operations, np.round(found.fractions, 2).tolist(), strict=True)))

# %%
history = run.search.history
epochs = [epoch.epoch for epoch in history]
shares = np.array([epoch.probabilities[0] for epoch in history])
figure, (areas, errors) = plt.subplots(1, 2, figsize=(9, 3.2), dpi=90)
areas.stackplot(epochs, shares.T, labels=cell.operations, alpha=0.8)
areas.axvline(run.search.best.epoch, color="black", linestyle=":", label="the p that is kept")
areas.set(xlabel="epoch", ylabel="share in p", xlim=(1, len(epochs)), ylim=(0, 1))
areas.legend(loc="lower left", fontsize=7, framealpha=1)
errors.plot(epochs, [epoch.draw_error for epoch in history], "o-", label="eight draws from p")
errors.set(xlabel="epoch", ylabel="validation error in the supernet [%]", ylim=(0, None))
errors.legend(frameon=False)
figure.tight_layout()
plt.show()

# %% [markdown]
# Left: p starts uniform and moves to the operations that help the mixture. Right: cells drawn
# from p of each epoch, computed with the weights of the supernet. They get better for two
# reasons, better weights and a better p: this picture alone does not say that p has learned.
#
# ## 2. What a draw from p is worth
#
# What counts is a cell trained alone. Five cells drawn from p and five drawn uniformly, each
# trained from new weights on the same images for the same few epochs:

# %%
alone = replace(task, training=task.training.with_options(epochs=5))


def valid_error(code):
    """Validation error in percent of a cell trained alone."""
    return alone.start(code[None], images, seed=0).run()[-1].valid_error


edges, rng = CellEdges(cell), np.random.default_rng(0)
uniform = np.full(cell.num_operations, 1 / cell.num_operations)
drawn = {
    "uniform": edges.draw(edges.spread([uniform]), 5, rng),
    "p": edges.draw(edges.spread(found.probabilities), 5, rng),
}
worth = {name: [valid_error(code) for code in codes] for name, codes in drawn.items()}
for name, values in worth.items():
    print(
        f"drawn from {name:8} mean {np.mean(values):5.2f} %   "
        + " ".join(f"{v:5.1f}" for v in values)
    )

# %% [markdown]
# Never take the likeliest operation of a shared p everywhere: that is a cell of one operation.
# And p has a blind spot. While it learns, every place also passes its input on (a shortcut, without
# which p would drift to `skip_connect` for what that does to the training of a supernet), so that
# `skip_connect` itself has nothing to offer. On digits this small it is all that is needed:

# %%
for name in ("skip_connect", "nor_conv_3x3"):
    operation = cell.operations.index(name)
    error = valid_error(np.full(cell.num_blocks, operation))
    print(f"only {name}: share in p {found.fractions[operation]:4.2f}, error {error:5.2f} %")

# %% [markdown]
# ## 3. Cells in order of promise
#
# `anasod-dnas+` takes the vertex of the simplex (all blocks one operation) that is best after a
# short training, which also sees what p is blind to, and compares it with the cells that differ
# from it in one block, by short trainings, too: the better ones are trained for longer. These
# usually have as many cells as published networks, since a path that a network of fifteen cells
# needs is worth nothing in one of three; here nothing deeper is ever trained, hence `depth`. Cells
# drawn from p follow, ranked by the supernet. Whether such a ranking can be trusted is measured,
# not hoped: ten cells drawn uniformly are trained alone, and `agreement` is the rank correlation.

# %%
print(f"supernet and short trainings agree by {found.agreement:.2f}")
for warning in run.warnings(found.agreement):
    print("warning:", warning)
for architecture, score in zip(found.architectures[:5], found.scores[:5], strict=True):
    print(f"{score:.4f} nats  {architecture}")

# %% [markdown]
# Scores are losses of cells trained alone: the first two for eight epochs, the next four for four.
# The order is a guess from very little training. Which cell is best, and whether one that is not in
# the list is better, only queries can tell.
#
# ## 4. The hand-over to `two-level-bo`
#
# `make_client(..., start=found)` makes the first cell of the result the first trial, draws the
# other initial ones from p with a share of uniform mixed in (without it none of them would have a
# `skip_connect`), and then goes on as `two-level-bo` always does. Here each trial trains a cell
# alone, as above; the same search without a start is beside it.

# %%
TRIALS, INITIAL = 8, 4


def search(start):
    """Validation errors of the trials, and what was tried."""
    client = make_client(
        cell,
        "two-level-bo",
        objectives="valid_error",
        seed=0,
        start=start,
        num_initial=INITIAL,
    )
    errors, tried = [], []
    for _ in range(TRIALS):
        (index,) = client.get_next_trials(1)
        architecture = architecture_of(client, index)
        errors.append(valid_error(architecture.code))
        tried.append(str(architecture))
        client.complete_trial(index, {"valid_error": errors[-1]})
    return errors, tried


with_start, tried = search(found)
without, _ = search(None)
print("the first trial is the first cell of the result:", tried[0] == found.architectures[0])
for name, values in (("with", with_start), ("without", without)):
    print(f"{name:7} a start: best of the first {INITIAL} {min(values[:INITIAL]):5.2f} %, ", end="")
    print(f"best of {TRIALS} {min(values):5.2f} %")

# %%
plt.figure(figsize=(7, 3), dpi=90)
for name, values, colour in (("found", with_start, "#0072B2"), ("nothing", without, "#D55E00")):
    plt.plot(range(1, TRIALS + 1), values, ".", color=colour)
    best = np.minimum.accumulate(values)
    plt.step(range(1, TRIALS + 1), best, where="post", color=colour, label=f"from {name}")
plt.axvline(INITIAL + 0.5, color="grey", linestyle=":", label="the model starts")
plt.xlabel("trial")
plt.ylabel("validation error [%]")
plt.legend(frameon=False)
plt.show()

# %% [markdown]
# One seed, small images and short trainings: the picture shows how it works, not how much it gains.
# In the run that is printed here the search without a start was ahead: the digits want skips, and
# draws from p have few of them. `docs/strategies.md` has measured on NAS-Bench-201 what a
# start gains.
#
# ## What to do next
#
# The same in a terminal, on images of your own, in a folder that survives a kill:
#
# ```
# ax-anasod dnas --dataset mine --data FOLDER --method anasod-dnas+ --out runs/dnas
# ax-anasod resume runs/dnas                  goes on where it was
# ax-anasod train --from runs/dnas ...        a search by training that starts from it
# ax-anasod evaluate runs/dnas                trains its first cell for good, and tests it
# ```
#
# `docs/dnas.md` describes the methods (GAEA, DARTS, DrNAS and others are rows of the same table),
# what was measured, and the traps; `tutorials/two_level` looks inside the search that comes after.
