# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation: {extension: .py, format_name: percent, format_version: '1.3'}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # How much attention does a language model need?
#
# Hybrid language models mix blocks: attention, which looks everything up again and keeps all of it
# in a cache; linear attention, which keeps a state of fixed size; MLPs, which look nothing up and
# remember. How many of each, and in which order?
#
# That is an operation distribution and an architecture. Six blocks of three operations are 28
# distributions and 729 architectures, and the package has all of them, really trained, three times
# each: networks of 40,000 weights that learn two tasks at once. `recall` asks for what was said in
# the sequence, `facts` for what is always so. What these numbers say of large models, and what
# not: `docs/hybrid.md`.

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
import torch

warnings.simplefilter("ignore")

from ax_anasod import architecture_of, attach_architecture, make_client, nasbench
from ax_anasod.fronts import pareto_front
from ax_anasod.networks.decoder import build_decoder
from ax_anasod.networks.decoder_config import DecoderConfig
from ax_anasod.training.sequences import RecallAndFacts, errors, seeded_generator, sequence_loss

TRAINED = ["recall_error", "facts_error", "loss"]
benchmark = nasbench.make("hybrid-lm", minimize=TRAINED, report="cache_bytes")
cell = benchmark.cell
codes = cell.enumerate()
table = benchmark.query(codes)
print(f"{cell.size} architectures, {cell.num_encodings} distributions")
for name in TRAINED:
    low, middle, high = np.quantile(table[name], [0, 0.5, 1])
    print(f"{name:13} lowest {low:5.2f}, median {middle:5.2f}, highest {high:5.2f}")

# %% [markdown]
# ## The triangle of ratios
#
# A corner is a pure network, a point a ratio; its colour is the mean over its architectures, its
# size how many these are. The two tasks want different corners. No corner has both, and the star,
# the best mean, is a mixture.

# %%
counts = cell.encode(codes)
ratios, ratio_of, sizes = np.unique(counts, axis=0, return_inverse=True, return_counts=True)
means = {name: np.bincount(ratio_of, table[name]) / sizes for name in TRAINED}
CORNERS = np.array([[0.5, 3**0.5 / 2], [0.0, 0.0], [1.0, 0.0]])
NAMES = ["attention", "linear\nattention", "MLP"]

figure, axes = plt.subplots(1, 3, figsize=(9, 3.3), dpi=90)
titles = ["recall error (%)", "facts error (%)", "loss (nats)"]
for ax, name, title in zip(axes, TRAINED, titles, strict=True):
    x, y = (ratios @ CORNERS / cell.total).T
    ax.fill(*CORNERS.T, facecolor="none", edgecolor="#c8cdd6", zorder=0)
    shown = ax.scatter(x, y, c=means[name], s=40 + 1.5 * sizes, cmap="viridis_r", zorder=2)
    best = means[name].argmin()
    ax.plot(x[best], y[best] + 0.09, "*", color="#C0392B", ms=9)
    for corner, text, below in zip(CORNERS, NAMES, (0.1, -0.1, -0.1), strict=True):
        where = "bottom" if below > 0 else "top"
        ax.annotate(text, (corner[0], corner[1] + below), ha="center", va=where)
    ax.set(xlim=(-0.2, 1.2), ylim=(-0.35, 1.2), aspect="equal", title=title)
    ax.axis("off")
    figure.colorbar(shown, ax=ax, shrink=0.7)
figure.tight_layout()
plt.show()


def words(ratio):
    return ", ".join(f"{n} {o}" for n, o in zip(ratio, cell.operations, strict=True) if n)


for name in TRAINED:
    print(f"best ratio by {name:13} {words(ratios[means[name].argmin()])}")
mixed = (ratios > 0).sum(axis=1) > 1
print("the best ratio of the loss is a mixture:", bool(mixed[means["loss"].argmin()]))

# %% [markdown]
# How much of an architecture does its ratio say? The share of the variance between ratios, R², and
# what order can still do: the best and the worst order of the best ratio.

# %%
for name in TRAINED:
    values = table[name]
    within = ((values - means[name][ratio_of]) ** 2).sum()
    share = 1 - within / ((values - values.mean()) ** 2).sum()
    of_best = np.flatnonzero(ratio_of == means[name].argmin())
    order = of_best[values[of_best].argsort()]
    first, last = cell.to_strings(codes[order[[0, -1]]])
    low, high = values[order[[0, -1]]]
    print(f"{name:13} R² {share:.2f}; best ratio: {first} {low:.2f}, {last} {high:.2f}")

# %% [markdown]
# ## Search it
#
# As if we did not have the table: each trial is a training. `anasod-bo` learns the ratio and draws
# an order; `two-level-bo` learns the ratio, which operation stands on which block, and which stand
# before which. What random search has after n trials on average needs no runs: it follows from the
# table.

# %%
TRIALS, SEEDS = 20, 3


def search(strategy, objectives, seed, **more):
    """The codes of the trials, in order."""
    client = make_client(cell, strategy, objectives=objectives, seed=seed, **more)
    found = []
    for _ in range(TRIALS):
        for index in client.get_next_trials(1):
            found.append(architecture_of(client, index).code)
            values = benchmark.query(found[-1][None])
            client.complete_trial(index, {name: float(values[name][0]) for name in objectives})
    return np.array(found)


def best_of_random(values):
    """The expected best of 1, 2, ... architectures drawn without looking."""
    ordered, n = np.sort(values), len(values)
    # Probability that the best of t draws is the i-th best of all, or a worse one.
    at_least = (1 - np.arange(n)[:, None] / n) ** np.arange(1, TRIALS + 1)
    return ordered @ -np.diff(at_least, axis=0, append=0.0)


losses = {
    strategy: np.array(
        [benchmark.query(search(strategy, ["loss"], seed))["loss"] for seed in range(SEEDS)]
    )
    for strategy in ("anasod-bo", "two-level-bo")
}

# %%
chance, trials = best_of_random(table["loss"]), np.arange(1, TRIALS + 1)
plt.figure(figsize=(7, 3.2), dpi=90)
plt.plot(trials, chance, color="#8A8F98", lw=2.5, label="random, expected")
for (strategy, runs), colour in zip(losses.items(), ("#E8A400", "#1f4e9c"), strict=True):
    best_so_far = np.minimum.accumulate(runs, axis=1)
    plt.plot(trials, best_so_far.T, color=colour, lw=0.8, alpha=0.6)
    plt.plot(trials, best_so_far.mean(axis=0), color=colour, lw=2.5, label=f"{strategy}, mean")
plt.axhline(table["loss"].min(), color="black", lw=1, label="best of all 729")
plt.axvline(10, color="black", ls=":", lw=1, label="the model starts")
plt.xlabel("trials")
plt.ylabel("lowest loss (nats)")
plt.legend(frameon=False, fontsize=8)
plt.tight_layout()
plt.show()
for strategy, runs in losses.items():
    ahead = bool((runs.min(axis=1) < chance[-1]).all())
    print(f"{strategy:13} every run ahead of random search's mean: {ahead}")

# %% [markdown]
# ## Error against cache
#
# Each block of attention keeps all that it has seen; that is what long contexts cost. The bytes
# follow from the counts alone, so they are `known`: no trial is needed to learn them. `limits` say
# up to where values are of use. Without them the search takes the range of the front that it has
# seen, and the first good network without attention would end it at 3 kB.

# %%
tried = search(
    "two-level-bo",
    ["loss", "cache_bytes"],
    seed=0,
    known={"cache_bytes": benchmark},
    limits=["loss <= 2", "cache_bytes <= 40000"],
)


def points_of(codes):
    found = benchmark.query(codes)
    return np.stack([found["cache_bytes"] / 1000, found["loss"]], axis=1)


plt.figure(figsize=(7, 3.4), dpi=90)
plt.scatter(*points_of(codes).T, s=5, color="#d5d9e0", label="all architectures")
plt.scatter(*points_of(tried).T, s=14, color="#9db4d8", label=f"{TRIALS} trials")
for points, colour, label in (
    (points_of(codes), "#2E9E6B", "true front"),
    (points_of(tried), "#1f4e9c", "their front"),
):
    steps = pareto_front(points)
    plt.step(*steps.T, where="post", color=colour, lw=1.3)
    plt.plot(*steps.T, "o", color=colour, ms=5, label=label)
plt.xlabel("cache after 48 tokens (kB)")
plt.ylabel("loss (nats)")
plt.legend(frameon=False)
plt.tight_layout()
plt.show()
for size, loss in pareto_front(points_of(tried)):
    print(f"{size:6.1f} kB  loss {loss:.3f}")

# %% [markdown]
# The same on the command line:
#
# ```
# ax-anasod search --benchmark hybrid-lm --minimize loss --minimize cache_bytes \
#     --known cache_bytes --limit "loss<=2" --limit "cache_bytes<=40000" \
#     --strategy two-level-bo --trials 20 --out runs/hybrid
# ```
#
# ## Train
#
# A table is a search that somebody else has paid for. Yours looks like this: `build_decoder` makes
# the network of an architecture, and the loop is any loop of PyTorch. This is the one that made the
# table (`benchmarks/hybrid_table.py`), here with a seed that is not in it. Twenty trainings of the
# table are given to the search as what we know already; the next two are real, a few seconds each.

# %%
torch.set_num_threads(1)  # more threads cost more than they give on networks this small
STEPS, BATCH, RATE = 400, 16, 3e-3
task = RecallAndFacts()


def share_of_rate(step):
    """A tenth of the steps to warm up, then a cosine down to a tenth."""
    if step < STEPS / 10:
        return (step + 1) / (STEPS / 10)
    return 0.1 + 0.45 * (1 + np.cos(np.pi * (step - STEPS / 10) / (0.9 * STEPS)))


def train(architecture, seed):
    """Errors in percent and the loss in nats, on sequences that it has not seen."""
    generator = seeded_generator("tutorial", seed, architecture)
    torch.manual_seed(seed)
    network = build_decoder(architecture, DecoderConfig(vocabulary=task.vocabulary))
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, betas=(0.9, 0.99))
    rates = torch.optim.lr_scheduler.LambdaLR(optimiser, share_of_rate)
    for _ in range(STEPS):
        tokens, targets = task.draw(BATCH, generator)
        optimiser.zero_grad()
        sequence_loss(network(tokens), targets).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        rates.step()
    tokens, targets = task.draw(384, seeded_generator("tutorial", "measured"))
    with torch.no_grad():
        return errors(network.eval()(tokens), targets)


client = make_client(cell, "two-level-bo", objectives="loss", seed=0)
rng = np.random.default_rng(0)
for row in rng.choice(len(codes), 20, replace=False):
    attach_architecture(client, cell.architecture(codes[row]), {"loss": float(table["loss"][row])})

for _ in range(2):
    for index in client.get_next_trials(1):
        architecture = architecture_of(client, index)
        found = train(architecture, seed=3)
        client.complete_trial(index, {"loss": found["loss"]})
        known = benchmark.query(architecture.code[None])
        print(f"{architecture}, trained now: " + ", ".join(f"{n} {found[n]:.2f}" for n in TRAINED))
        print("        mean of the table:  " + ", ".join(f"{n} {known[n][0]:.2f}" for n in TRAINED))

# %% [markdown]
# A training can be far from the mean of three: recall is learned suddenly, in time or not.
#
# What to take along: look at the ratio first, it is most of the answer and takes a dozen trainings;
# then at the order, above all where a model must recall; and at the cache, which is known before.
# For a space of your own, `operations={...}` of `build_decoder` takes your blocks, tried for shape
# and causality (`docs/networks.md`).
