# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation: {extension: .py, format_name: percent, format_version: '1.3'}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Error against latency: fronts and limits
#
# The network with the lowest error is seldom the one that you deploy: it must answer in time.
# This notebook searches the whole *front* of error against latency, picks one point of it,
# searches the lowest error under a limit on latency, and does the same in real training, up to
# an ONNX file. The 26,206 networks of the table are those of
# [NAS-Bench-Graph](https://github.com/THUMNLab/NAS-Bench-Graph), trained and timed by its
# authors, so that the true front is known and every result can be checked.

# %%
import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
import pandas as pd
import torch

warnings.simplefilter("ignore")

from botorch.utils.multi_objective.box_decompositions.dominated import DominatedPartitioning

from ax_anasod import architecture_of, make_client, nasbench
from ax_anasod.training import DataConfig, load_data

ERROR, LATENCY = OBJECTIVES = ["valid_error", "latency_seconds"]
benchmark = nasbench.make("nas-bench-graph", dataset="computers", minimize=LATENCY)
cell = benchmark.cell


def values_of(codes):
    """Errors in percent and latencies in seconds, n x 2."""
    found = benchmark.query(codes)
    return np.stack([found[name] for name in OBJECTIVES], axis=1)


table = values_of(cell.enumerate())
for name, (low, middle, high) in zip(
    OBJECTIVES, np.quantile(table, [0, 0.5, 1], axis=0).T, strict=True
):
    print(f"{name:15} lowest {low:.4g}, median {middle:.4g}, highest {high:.4g}")

# %% [markdown]
# ## What a front is, and how much of it was found
#
# An architecture is *dominated* if another one is as good in both objectives and better in one.
# The *Pareto front* is what nobody dominates. A set of architectures is judged by its
# *hypervolume*: the area that it dominates, before a reference point that says from where on
# values are of no use. Here that is the 95 % quantile of each objective. BoTorch computes it,
# for objectives that are maximised, hence the signs.

# %%
reference = np.quantile(table, 0.95, axis=0)


def dominated(values):
    return DominatedPartitioning(torch.tensor(-reference), torch.tensor(-values))


def front_of(values):
    """The front before the reference point, from the lowest error to the lowest latency."""
    front = -dominated(values).pareto_Y.numpy()
    return front[np.argsort(front[:, 0])]


def share_of_hypervolume(values):
    return (dominated(values).compute_hypervolume() / whole).item()


whole = dominated(table).compute_hypervolume()
true_front = front_of(table)
print(f"{len(table):,} architectures, {len(np.unique(true_front, axis=0))} points on the front")

# %% [markdown]
# ## Search it
#
# Two objectives are two names. The error has to be trained for; the latency of an untrained
# network is the same as that of the trained one, so that it can be measured beforehand. `known`
# says how: here the benchmark looks it up, in your project a function of codes measures or
# adds it up. What is known gets no model, and nobody reports it. What you cannot know
# beforehand, leave out of `known` and report it with the error: it is modelled, too.
#
# `two-level-bo` starts with ten random architectures. Then each trial is the one by which the
# hypervolume is expected to grow most. One run cannot tell whether that is better than chance,
# three are a start.

# %%
TRIALS, SEEDS = 50, 3


def search(strategy, objectives, limits=(), seed=0):
    """Values of the trials, n x 2, and the client that made them."""
    client = make_client(
        cell,
        strategy,
        objectives=objectives,
        known={LATENCY: benchmark},
        limits=limits,
        seed=seed,
    )
    values = []
    while len(values) < TRIALS:
        for index in client.get_next_trials(1):
            code = architecture_of(client, index).code[None]
            values.append(values_of(code)[0])
            client.complete_trial(index, {ERROR: float(values[-1][0])})
    return np.array(values), client


runs = {
    strategy: [search(strategy, OBJECTIVES, seed=seed) for seed in range(SEEDS)]
    for strategy in ("random", "two-level-bo")
}
# From the smallest share to the largest, so that the median run stands in the middle.
for of_strategy in runs.values():
    of_strategy.sort(key=lambda run: share_of_hypervolume(run[0]))
median = {strategy: of_strategy[SEEDS // 2] for strategy, of_strategy in runs.items()}

# %%
COLOURS = {"random": "#8A8F98", "two-level-bo": "#1f4e9c"}
steps = np.arange(5, TRIALS + 1)
plt.figure(figsize=(7, 3.2), dpi=90)
for strategy, colour in COLOURS.items():
    shares = np.array(
        [[share_of_hypervolume(values[:n]) for n in steps] for values, _ in runs[strategy]]
    )
    plt.plot(steps, shares.T, color=colour, lw=0.8, alpha=0.6)
    plt.plot(steps, shares.mean(axis=0), color=colour, lw=2.5, label=f"{strategy}, mean")
    print(f"{strategy:13} share of the hypervolume {shares[:, -1].round(3)}")
plt.axvline(10, color="black", ls=":", lw=1, label="the model starts")
plt.xlabel("trials")
plt.ylabel("share of the hypervolume")
plt.legend(loc="lower right", frameon=False)
plt.tight_layout()
plt.show()

chance, modelled = (share_of_hypervolume(median[strategy][0]) for strategy in COLOURS)
print("the median run is ahead of random search:", modelled > chance)

# %% [markdown]
# ## Look at it
#
# The median run of each strategy, beside all architectures and the true front. What lies up and
# to the right of the steps is dominated.


# %%
def draw(axes, front, colour, label, marker="o"):
    milliseconds = 1000 * front[:, 1]
    # Between two points the faster one is the best that keeps within the time.
    axes.step(milliseconds[::-1], front[::-1, 0], where="post", color=colour, lw=1.3)
    axes.plot(milliseconds, front[:, 0], marker, color=colour, ms=5, label=label)


def scatter():
    axes = plt.figure(figsize=(7, 4.2), dpi=90).gca()
    axes.scatter(1000 * table[:, 1], table[:, 0], s=2, color="#d5d9e0", lw=0, rasterized=True)
    draw(axes, true_front, "#2E9E6B", "true front", ".")
    axes.set(xlim=(0.8, 1000 * reference[1]), ylim=(7.5, 22))
    axes.set(xlabel="latency (ms)", ylabel="validation error (%)")
    return axes


axes = scatter()
for strategy, colour in COLOURS.items():
    draw(axes, front_of(median[strategy][0]), colour, strategy)
axes.legend(frameon=False)
plt.tight_layout()
plt.show()

# %% [markdown]
# ## Pick one point
#
# Nobody can make this choice for you, but the front shows the prices: each row says what its
# architecture costs in error for each millisecond that it saves over the row above. Two usual
# answers: the *knee*, the point that lies furthest below the line between both ends (objectives
# scaled to 0 to 1); or the lowest error within the time that you have. Ax gives the same front
# with the parameters of each point: `client.get_pareto_frontier(use_model_predictions=False)`.

# %%
values, client = median["two-level-bo"]
found = front_of(values)
scaled = (found - found.min(axis=0)) / np.ptp(found, axis=0)
knee = int(np.argmin(scaled.sum(axis=1)))
print("error %  latency ms  points of error for each ms saved")
for row, (error, seconds) in enumerate(found):
    price = ""
    if row:
        price = f"{(error - found[row - 1, 0]) / (1000 * (found[row - 1, 1] - seconds)):6.2f}"
    print(f"{error:7.2f}  {1000 * seconds:10.2f}  {price:8} {'<- knee' if row == knee else ''}")

trial = int(np.flatnonzero((values == found[knee]).all(axis=1))[0])
print(f"trial {trial}: {architecture_of(client, trial)}")
ax_front = client.get_pareto_frontier(use_model_predictions=False)
in_ax = {index for _, _, index, _ in ax_front}
print("the knee is on Ax's front:", trial in in_ax)

# %% [markdown]
# ## A limit instead of a front
#
# If the time is fixed anyway, say so: all trials then go where they can be used. A limit is
# Ax's outcome constraint, in the unit of the metric. Since the latency is known, no trial
# breaks it, random ones at the start included: no training is wasted on a network that would be
# too slow. (Where the latency is modelled, trials may break the limit until the model has
# learnt; the expected improvement is multiplied by the probability that they keep it.)

# %%
LIMIT = 0.002  # seconds
limited, client = search("two-level-bo", ERROR, limits=f"{LATENCY} <= {LIMIT}")
allowed = table[table[:, 1] <= LIMIT]
print(f"{len(allowed) / len(table):.1%} of all architectures keep the limit")
print("every trial keeps the limit:", bool((limited[:, 1] <= LIMIT).all()))

parameters, outcome, index, _ = client.get_best_parameterization(use_model_predictions=False)
print(f"best of {TRIALS} trials:  {limited[:, 0].min():.2f} %")
print(f"best there is:      {allowed[:, 0].min():.2f} %")
print(f"on the front above: {values[values[:, 1] <= LIMIT, 0].min(initial=np.inf):.2f} %")
print(f"trial {index}: {architecture_of(client, index)}")

# %%
axes = scatter()
axes.axvspan(0, 1000 * LIMIT, color="#e3f0e8", zorder=0, label=f"at most {1000 * LIMIT:g} ms")
axes.plot(1000 * limited[:, 1], limited[:, 0], ".", color="#1f4e9c", label="trials under the limit")
best = limited[limited[:, 0].argmin()]
axes.plot(1000 * best[1], best[0], "*", color="#E8A400", ms=15, label="best under the limit")
axes.plot(1000 * found[knee, 1], found[knee, 0], "D", color="#D1495B", label="knee of the front")
axes.legend(frameon=False)
plt.tight_layout()
plt.show()

# %% [markdown]
# ## The same while training, to a file for your device
#
# Here nothing is known but the cell: each trial trains a network on the digits of
# scikit-learn. Its latency is measured on this machine before its training, its weights are
# counted, and a network with more than 25,000 of them is never trained.

# %%
folder = Path(tempfile.mkdtemp())
# Jupyter asks programs for colours and progress bars, which are for a terminal.
environment = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "CLICOLOR_FORCE")}


def ax_anasod(*arguments):
    """What the command line prints."""
    command = [sys.executable, "-m", "ax_anasod", *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout


sizes = ["--dataset", "digits", "--channels", 8, "--cells", 3, "--epochs", 3]
goals = ["--minimize", "latency", "--limit", "parameters<=25000"]
print(
    ax_anasod("train", *sizes, *goals, "--strategy", "two-level-bo", "--trials", 12, "--out", "run")
)

trained = pd.read_csv(folder / "run" / "trials.csv")
print("no network was trained beyond the limit:", bool((trained["parameters"] <= 25_000).all()))
print(pd.read_csv(folder / "run" / "pareto.csv")[["trial", "valid_error", "latency"]])

# %% [markdown]
# The knee of this front is trained for longer, and written as ONNX. The file takes images as
# they are, bytes from 0 to 255, and gives probabilities. Before it is written, ONNX Runtime
# classifies the test images with it, which must agree with PyTorch.

# %%
print(ax_anasod("evaluate", "run", "--pick", "knee", "--epochs", 40))
exported = json.loads(ax_anasod("export", "run", "--format", "onnx", "--json"))
print(f"{exported['images']} test images, probabilities differ by {exported['difference']:.0e}")
print("ONNX Runtime agrees with PyTorch:", exported["difference"] <= exported["tolerance"])

# %%
digits = load_data(DataConfig("digits"), purpose="evaluation")
session = onnxruntime.InferenceSession(folder / exported["file"])
images = digits.valid.pixels[:8].numpy()
(probabilities,) = session.run(None, {session.get_inputs()[0].name: images})
figure, panels = plt.subplots(1, 8, figsize=(7, 1.3), dpi=90)
for panel, image, row in zip(panels, images, probabilities, strict=True):
    panel.imshow(image[0], cmap="gray_r")
    panel.set_title(f"{row.argmax()} ({row.max():.0%})", fontsize=8)
    panel.axis("off")
plt.show()

# %% [markdown]
# ## What next
#
# The same on the command line: the front, and the lowest error under the limit. `--json` has
# the front, and `feasible` says which trials keep every limit.
#
# ```
# ax-anasod search --benchmark nas-bench-graph --dataset computers --strategy two-level-bo \
#     --accuracy valid --minimize latency_seconds --known latency_seconds \
#     --trials 50 --out runs/front
#
# ax-anasod search --benchmark nas-bench-graph --dataset computers --strategy two-level-bo \
#     --accuracy valid --report latency_seconds --known latency_seconds \
#     --limit "latency_seconds<=0.002" --trials 50 --out runs/limit
# ```
#
# - Your own table: `--benchmark table --data FILE`, and the same options with its columns.
# - Your own networks: `known` takes what each operation costs, `KnownSize` for parameters and
#   FLOPs, or any function of codes: `docs/objectives.md`, which also says how a trial is chosen
#   and what was measured against other strategies.
# - More objectives: up to four. What only has to be good enough is better a limit than another
#   objective.
