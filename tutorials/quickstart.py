# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation: {extension: .py, format_name: percent, format_version: '1.3'}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Quickstart
#
# Search 26,206 trained graph neural networks (NAS-Bench-Graph, data set cora) with ANASOD-BO,
# as an ordinary Ax experiment. You should know Ax's ask-and-tell loop; nothing about neural
# architecture search is assumed. Nothing is downloaded and nothing is trained: every network of
# the benchmark has been trained by its authors, and a query looks its error up.
#
# 1. What an encoding is, and how much it says
# 2. The search space
# 3. The loop with Ax's `Client`
# 4. The same loop with the Service API (`AxClient`)
# 5. The incumbent against random search
# 6. Analysis cards
# 7. Save, load, continue

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image, display

from ax_anasod import (
    AnasodSearchSpace,
    EncodingError,
    NASBenchGraphBenchmark,
    architecture_of,
    generation_strategy,
    make_experiment,
)
from ax_anasod.analysis import (
    BlockExchangePlot,
    DistributionSlicePlot,
    SearchSeries,
    SearchSummary,
    write_pictures,
)

plt.rcParams.update({"figure.figsize": (7.5, 3.6), "figure.dpi": 80, "axes.grid": True})
plt.rcParams.update({"grid.color": "#e6e9ee", "axes.axisbelow": True})

# %% [markdown]
# ## 1. What an encoding is, and how much it says
#
# A *cell* is the part of the network that is searched. The cell of NAS-Bench-Graph has four
# operation blocks, each of which takes one of nine operations, and nine ways to wire them.

# %%
benchmark = NASBenchGraphBenchmark("cora")
cell = benchmark.cell
print("operations:    ", ", ".join(cell.operations))
print("blocks:        ", cell.num_blocks)
print("architectures: ", f"{cell.size:,}")
print("encodings:     ", f"{cell.num_encodings:,}")

# %% [markdown]
# An *encoding* says how many blocks take each operation, and nothing about which block takes
# which, or how they are wired. It is a vector of nine counts that sum to four. Here is the
# encoding of two `gat`, one `gcn` and one `skip`, and five of the architectures that it stands
# for, drawn uniformly, with their validation errors.

# %%
counts = np.array([[{"gat": 2, "gcn": 1, "skip": 1}.get(name, 0) for name in cell.operations]])
print("encoding:", counts[0])
codes = cell.decode(np.repeat(counts, 5, axis=0), np.random.default_rng(0))
errors = benchmark.query(codes)["valid_error"]
for text, error in zip(cell.to_strings(codes), errors, strict=True):
    print(f"{text:<24} {error:.2f} %")

# %% [markdown]
# Searching encodings instead of architectures pays where architectures of one encoding perform
# alike. How alike they are on cora can be seen from the whole table: the line is the mean error
# of each encoding, the band holds the middle 80 % of its architectures.

# %%
every_code = cell.enumerate()
every_error = benchmark.query(every_code)["valid_error"]
encodings, group = np.unique(cell.encode(every_code), axis=0, return_inverse=True)
groups = [every_error[group == index] for index in range(len(encodings))]
means = np.array([errors.mean() for errors in groups])
low, high = np.array([np.quantile(errors, [0.1, 0.9]) for errors in groups]).T

order = np.argsort(means)
figure, axes = plt.subplots()
axes.fill_between(range(len(order)), low[order], high[order], color="#c9d8ee", label="10–90 %")
axes.plot(means[order], color="#1f4e9c", label="mean")
axes.set(xlabel="encodings, sorted by their mean", ylabel="validation error [percent]")
axes.set_ylim(18, 50)
axes.set_title("Errors of the architectures of each encoding, cora", loc="left")
axes.legend(frameon=False)
figure.tight_layout()
plt.show()

explained = 1 - np.var(every_error - means[group]) / np.var(every_error)
print(f"share of the variance that the encoding explains: {explained:.0%}")

# %% [markdown]
# On cora that is little: wiring and order matter more than the operations. (On NAS-Bench-201,
# the benchmark of the paper, it is about half.) It is good to know before a search, and it sets
# what to expect from this one. All the same, cora shows how everything works, in seconds.
#
# ## 2. The search space
#
# `AnasodSearchSpace` is an Ax `SearchSpace`: one integer parameter an operation, and one
# equality constraint.

# %%
space = AnasodSearchSpace.from_cell(cell)
print(list(space.parameters))
print(space.parameter_constraints)

# %% [markdown]
# `decode` draws an architecture of an encoding, a pure function of the seed, the index of a trial,
# and the counts. `encode` is the way back. Counts that are no encoding are refused, and the
# nearest encoding is named.

# %%
parameters = space.parameters_of(counts[0])
architecture = space.decode(parameters, seed=0, trial_index=0)
print(architecture)
print(space.encode(architecture) == parameters)
try:
    space.decode({**parameters, "n_gat": 3}, seed=0, trial_index=0)
except EncodingError as error:
    print(error)

# %% [markdown]
# ## 3. The loop with Ax's `Client`
#
# `make_experiment` gives an Ax `Experiment` that also remembers the cell and the seed.
# `generation_strategy.make` gives an Ax `GenerationStrategy`: `anasod-bo` draws ten random
# encodings, then fits a Gaussian process to the log errors and proposes the encoding with the
# largest expected improvement. `architecture_of` says which architecture a trial is: one of its
# encoding that no trial had before. Everything is reproducible from the seed.

# %%
from ax.api.client import Client

TRIALS = 30


def error_of(client, index):
    """The validation error of the architecture of a trial, in percent."""
    architecture = architecture_of(client, index)
    return float(benchmark.query(architecture.code[None, :])["valid_error"][0])


def advance(client, num_trials):
    """Ask and tell `num_trials` times; returns the errors."""
    errors = []
    for _ in range(num_trials):
        for index in client.get_next_trials(max_trials=1):
            errors.append(error_of(client, index))
            client.complete_trial(index, raw_data={"valid_error": errors[-1]})
    return errors


def start(seed):
    """An Ax experiment and the client that runs it."""
    experiment = make_experiment(space, "valid_error", seed=seed, strategy="anasod-bo")
    client = Client()
    client.set_experiment(experiment)
    client.set_generation_strategy(generation_strategy.make("anasod-bo", space, seed=seed))
    return experiment, client


experiment, client = start(seed=0)
errors = advance(client, TRIALS)
best = int(np.argmin(errors))
print(f"best of {TRIALS} trials: {errors[best]:.2f} % (trial {best})")
print(f"best in the benchmark: {benchmark.optimum('valid_error'):.2f} %")

# %% [markdown]
# `get_best_parameterization` works as always. `use_model_predictions=False` gives the trial with
# the best value. By default Ax asks the surrogate, if it predicts well enough; here it does not,
# for the reason of section 1, and Ax would say so and take the best value, too.

# %%
parameters, values, index, _ = client.get_best_parameterization(use_model_predictions=False)
print(f"trial {index}:", {name: count for name, count in parameters.items() if count})
print("architecture:", architecture_of(client, index))

# %% [markdown]
# ## 4. The same loop with the Service API
#
# `AxClient` takes the same strategy. It builds its own search space from the parameters, so they
# are given in Ax's form. (Ax has deprecated `AxClient`; the warning is silenced here by name.)

# %%
import warnings

from ax.service.ax_client import AxClient, ObjectiveProperties

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="The `AxClient` class is deprecated")
    ax_client = AxClient(
        generation_strategy=generation_strategy.make("anasod-bo", space, seed=0),
        verbose_logging=False,
    )
ax_client.create_experiment(
    parameters=[
        {"name": name, "type": "range", "bounds": [0, cell.total], "value_type": "int"}
        for name in space.parameters
    ],
    parameter_constraints=[f"{' + '.join(space.parameters)} == {cell.total}"],
    objectives={"valid_error": ObjectiveProperties(minimize=True)},
)
service_errors = []
for _ in range(15):
    parameters, index = ax_client.get_next_trial()
    service_errors.append(error_of(ax_client, index))
    ax_client.complete_trial(index, raw_data={"valid_error": service_errors[-1]})
print("the same trials as with Client:", service_errors == errors[:15])

# %% [markdown]
# ## 5. The incumbent against random search
#
# Is it better than chance? One run cannot tell. Since the table answers at once, random search
# over architectures can be repeated 2,000 times; ANASOD-BO is run with three more seeds.

# %%
runs = [errors] + [advance(start(seed)[1], TRIALS) for seed in (1, 2, 3)]
bo = np.minimum.accumulate(np.array(runs), axis=1)
draws = cell.sample(2000 * TRIALS, np.random.default_rng(0))
random_errors = benchmark.query(draws)["valid_error"].reshape(2000, TRIALS)
random_best = np.minimum.accumulate(random_errors, axis=1)

trial = np.arange(1, TRIALS + 1)
figure, axes = plt.subplots(figsize=(8.5, 3.6))
band = np.quantile(random_best, [0.1, 0.9], axis=0)
axes.fill_between(trial, *band, color="#d9d9d9", label="random search, 10–90 % of runs")
axes.plot(trial, random_best.mean(axis=0), color="#666666", label="random search, mean")
axes.plot(trial, bo.T, color="#e8a33d", linewidth=1, label=["anasod-bo, each run"] + [None] * 3)
axes.plot(trial, bo.mean(axis=0), color="#b35c00", linewidth=2, label="anasod-bo, mean")
axes.axhline(benchmark.optimum("valid_error"), color="#2a7f3e", linestyle=":", label="optimum")
axes.set(xlabel="trials", ylabel="best error so far [percent]", ylim=(17.8, 24))
axes.set_title("Incumbent on cora (validation error)", loc="left")
axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
figure.tight_layout()
plt.show()

print(f"best of {TRIALS}, mean of the runs: anasod-bo {bo[:, -1].mean():.2f} %")
print(f"                             random    {random_best[:, -1].mean():.2f} %")
print(f"median of single trials:     anasod-bo {np.median(np.array(runs)[:, 10:]):.2f} %")
print(f"                             random    {np.median(random_errors):.2f} %")

# %% [markdown]
# Within what four runs can tell, the incumbents are those of random search: nearly all of
# ANASOD-BO's lie in the band. The typical architecture that it proposes is better than the
# typical random one, but the best of a run comes from the spread within an encoding, and there
# this strategy draws at random. Section 1 announced it: do that check first, on a few
# architectures of your own, before you trust a search over encodings.

# %% [markdown]
# ## 6. Analysis cards
#
# `ax_anasod.analysis` holds Ax `Analysis` classes. In a notebook of your own,
# `client.compute_analyses([SearchOverview()])` shows all of them as interactive plotly figures,
# in place of Ax's default ones, some of which leave the simplex. Here they are static:
# `write_pictures` draws the two that every run wants with matplotlib, and every card carries its
# data as `card.df`.

# %%
[summary] = client.compute_analyses([SearchSummary()], display=False)
print(summary.subtitle)
display(summary.df)

# %%
with tempfile.TemporaryDirectory() as folder:
    pictures = write_pictures(
        experiment, folder, optimum=benchmark.optimum("valid_error"), unit="percent"
    )
    for picture in pictures:
        display(Image(data=picture.read_bytes(), width=700))

# %% [markdown]
# The other two ask the surrogate. Ax's own slice and sensitivity plots vary one parameter alone,
# and a single count cannot change alone: the sum is fixed. `DistributionSlicePlot` moves blocks
# from one operation to another, and `BlockExchangePlot` shows the effect of every single exchange,
# both starting from the best encoding.

# %%
slices, exchanges = client.compute_analyses(
    [DistributionSlicePlot(), BlockExchangePlot()], display=False
)

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), width_ratios=[1, 1.25])
first = slices.df.iloc[0]
line = slices.df[(slices.df["more"] == first["more"]) & (slices.df["less"] == first["less"])]
left.fill_between(line["count_more"], line["lower"], line["upper"], color="#c9d8ee")
left.plot(line["count_more"], line["mean"], "o-", color="#1f4e9c", label="surrogate, 95 %")
here = line[line["best"]]
left.plot(here["count_more"], here["mean"], "*", color="#c0392b", markersize=14, label="best trial")
left.set_xticks(line["count_more"])
left.set(xlabel=f"blocks of {first['more']}, taken from {first['less']}")
left.set(ylabel="validation error [percent]", title="Slice along the simplex")
left.legend(frameon=False)

table = exchanges.df.pivot(index="more", columns="less", values="change")
table = table.reindex(index=[name for name in cell.operations if name in table.index])
limit = np.nanmax(np.abs(table.to_numpy()))
image = right.imshow(table, cmap="RdYlGn_r", vmin=-limit, vmax=limit, aspect="auto")
right.set_xticks(range(table.shape[1]), table.columns)
right.set_yticks(range(table.shape[0]), table.index)
right.set(xlabel="one block less", ylabel="one block more", title="One exchanged block")
right.grid(visible=False)
figure.colorbar(image, label="predicted change [percent]")
figure.tight_layout()
plt.show()

series = SearchSeries.from_experiment(experiment)
again = (series.counts == series.counts[series.best()]).all(axis=1)
print("errors of the trials with this encoding:", series.values[again, 0].round(2))

# %% [markdown]
# The last line says how to read the star: the same encoding was tried more than once, with other
# architectures, and the surrogate predicts what it does on average. Repeating an encoding is
# wanted, since one architecture is one noisy observation of it.

# %% [markdown]
# ## 7. Save, load, continue
#
# Ax's storage takes the classes of ax_anasod as they are. A loaded run continues as it would have
# without the interruption: no generator keeps hidden state. To see it, the run is saved, and
# then both the old and the loaded client do five more trials.

# %%
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "run.json"
    client.save_to_json_file(str(path))
    loaded = Client.load_from_json_file(str(path))
uninterrupted = advance(client, 5)
continued = advance(loaded, 5)
print("uninterrupted:", [round(error, 2) for error in uninterrupted])
print("continued:    ", [round(error, 2) for error in continued])
print("identical:    ", uninterrupted == continued)

# %% [markdown]
# `Client(storage_config=ax_anasod.storage.storage_config("run.db"))` keeps the run in SQLite
# instead. The command line does all of this, and keeps a journal that survives a kill:
# `ax-anasod search --benchmark nas-bench-graph --dataset cora --strategy anasod-bo --trials 30
# --out runs/cora`.
#
# Next: `your_own_cell` trains networks of a cell that you define.
