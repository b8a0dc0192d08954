# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation: {extension: .py, format_name: percent, format_version: '1.3'}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Compare strategies, and choose one
#
# Which strategy should search *your* networks? A comparison on a benchmark, where thousands of
# networks are trained already, costs seconds instead of GPU days. This notebook compares
# three strategies on two data sets of
# [NAS-Bench-Graph](https://github.com/THUMNLab/NAS-Bench-Graph), shows how to read the
# result, and asks beforehand what decides it: how much the operation distribution says.

# %%
import tempfile
import warnings
from pathlib import Path

from IPython.display import Image, Markdown

warnings.simplefilter("ignore")

from ax_anasod import compare_strategies, nasbench
from ax_anasod.reproduce import explained_share

# %% [markdown]
# ## How much does the operation distribution say?
#
# ANASOD searches *how many* blocks take each operation, not which block takes which. That
# can only work as far as architectures with the same counts perform alike. The share of the
# variance over all architectures that the counts explain, R², is the most that any model on
# them can ever know. These tables list every architecture, so it can be computed:

# %%
for dataset in nasbench.NASBenchGraphBenchmark.datasets:
    share = explained_share(nasbench.make("nas-bench-graph", dataset=dataset))
    print(f"{dataset:10} {share:4.2f} {'#' * round(50 * share)}")

# %% [markdown]
# On most of these data sets the counts say little: on cora 0.19. What matters there is which
# operation feeds which, and how the cell is wired. On NAS-Bench-201, the convolutional
# cells that the paper is about, they say more. Measured on its table with
#
# ```
# ax-anasod reproduce table1 --benchmark table --data nb201.csv.gz \
#     --cell nas-bench-201 --accuracy cifar10_test_200
# ```
#
# | NAS-Bench-201 | R² |
# |---|---|
# | CIFAR-10, test, 200 epochs | 0.44 |
# | CIFAR-100, validation, 12 epochs | 0.55 |
# | ImageNet16-120, validation, 12 epochs | 0.53 |
#
# Even there half of the variance lies *within* encodings. The paper's argument is that this
# half is smaller among good encodings. `reproduce table1` shows that as well, and so it does
# for any table of yours.

# %% [markdown]
# ## A comparison
#
# Two data sets of the same cell: `computers`, where the counts explain 0.43 of the variance,
# and `cora`, where they explain 0.19. Three strategies: random search; `anasod-bo`, which
# sees nothing but the counts; and `regularized-evolution`, which sees nothing but
# architectures. On the command line the first one is
#
# ```
# ax-anasod compare --benchmark nas-bench-graph --dataset computers \
#     --strategies random,anasod-bo,regularized-evolution \
#     --trials 20 --seeds 3 --jobs 2 --out runs/computers
# ```

# %%
strategies = ["random", "anasod-bo", "regularized-evolution"]
folder = Path(tempfile.mkdtemp())


def compare(dataset):
    comparison = compare_strategies(
        nasbench.make("nas-bench-graph", dataset=dataset),
        strategies,
        trials=20,
        seeds=3,
        jobs=2,
        out=folder / dataset,
    )
    comparison.write()
    return comparison


computers = compare("computers")
Markdown((folder / "computers" / "summary.md").read_text())

# %% [markdown]
# **How to read the table.** Each row is a strategy; its *mean* is over the seeds, of the best
# value that a run has seen in the end. Two things decide whether a difference means
# anything. The *standard error*: means that are closer than two of them are not told apart.
# And *p*: every strategy has run with the same seeds, so runs are compared in pairs. The
# last note says what three seeds are worth: not enough for any claim, whatever the numbers
# look like. Ten seeds (the default, and the paper's) can reach p = 0.002 in a single test,
# which Holm's correction multiplies by the number of tests.
#
# `test_error` is not searched. It is the test error of the network that was best on
# validation, which is what you would publish.

# %%
Image(folder / "computers" / "incumbent_queries.png", width=800)

# %% [markdown]
# **How to read the picture.** The axis of queries is logarithmic: a curve that lies one tick
# to the left of another needs a fraction of the queries for the same error. Choose by the part
# of the axis where your budget is. With ten trainings to spend, everything is random search:
# `anasod-bo` and evolution start with ten random networks. Shades are one standard error;
# where they overlap, there is nothing to choose yet.
#
# Now the data set where the counts say little:

# %%
compare("cora")
Image(folder / "cora" / "incumbent_queries.png", width=800)

# %% [markdown]
# ## More of it
#
# The folder keeps every trial. The same call with more seeds, more trials, or another
# strategy makes only what is missing, and one that was interrupted, even killed, goes on
# where it was:

# %%
more = compare_strategies(
    nasbench.make("nas-bench-graph", dataset="computers"),
    ["anasod-biased-random"],
    trials=20,
    seeds=3,
    out=folder / "computers",
)
more.summary.frame[["strategy", "mean", "standard_error", "seeds", "seconds_per_trial"]]

# %% [markdown]
# ## Choose
#
# - Look at R² on a benchmark that is like your problem, or at `reproduce table1` on a table of
#   your own trainings. Where it is high, search on encodings: `anasod-bo` for a model,
#   `anasod-biased-random` where nothing may be in the way of running hundreds in parallel.
# - Where it is low, an encoding is a good start and no more. Something has to look at the
#   architectures themselves: `regularized-evolution`, `local-search`, or a strategy that
#   models both.
# - Decide with ten seeds and your real budget, by p and not by the mean alone:
#
# ```
# ax-anasod compare --benchmark nas-bench-graph --dataset cora --strategies all \
#     --trials 150 --seeds 10 --jobs 2 --out runs/cora
# ```
