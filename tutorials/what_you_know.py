# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation: {extension: .py, format_name: percent, format_version: '1.3'}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # What you know already
#
# A search need not begin with nothing. `two-level-bo` takes an earlier search on other data, a
# score that needs no training, a size, and architectures that you have tried; how much of it is
# true is fitted. This notebook searches
# [NAS-Bench-Graph](https://github.com/THUMNLab/NAS-Bench-Graph), whose architectures were all
# trained on several data sets, and then computes scores of networks that nobody has trained.

# %%
import matplotlib.pyplot as plt
import numpy as np

from ax_anasod import architecture_of, cells, experiment_of, make_client, nasbench
from ax_anasod.analysis import FeatureTable
from ax_anasod.proxies import PROXIES, Proxies

cora, citeseer = (nasbench.make("nas-bench-graph", dataset=name) for name in ("cora", "citeseer"))
cell, optimum = citeseer.cell, citeseer.optimum("valid_error")
print(f"{cell.size:,} architectures, the best on citeseer has {optimum:.2f} % error")


# %% [markdown]
# ## An earlier search
#
# Forty trials on one data set, and then the other one: cold, and with the first search as a
# source. A source is a client as here, an Ax experiment, or the folder of a run. A model of its
# trials predicts every architecture, which is a feature of the next search, and its five best
# architectures are tried first.


# %%
def search(benchmark, trials, **what_is_known):
    client = make_client(cell, "two-level-bo", objectives="valid_error", seed=3, **what_is_known)
    errors = []
    for _ in range(trials):
        (index,) = client.get_next_trials(1)
        architecture = architecture_of(client, index)
        errors.append(float(benchmark.query(architecture.code[None])["valid_error"][0]))
        client.complete_trial(index, {"valid_error": errors[-1]})
    return client, np.minimum.accumulate(errors)


earlier, _ = search(cora, 40)
_, cold = search(citeseer, 40)
warm_client, warm = search(citeseer, 40, sources=[earlier])

for trials in (1, 5, 10, 20, 40):
    print(f"{trials:2} trials: cold {cold[trials - 1]:.2f} %   source {warm[trials - 1]:.2f} %")

# %%
plt.figure(figsize=(7, 3), dpi=100)
plt.step(range(40), cold, where="post", label="cold")
plt.step(range(40), warm, where="post", label="with cora as a source")
plt.axhline(optimum, color="grey", lw=1, label="best of all 26,206")
plt.xlabel("trial")
plt.ylabel("best error so far (%)")
plt.legend(frameon=False)
plt.show()

# %% [markdown]
# What a source is worth depends on how alike the tasks are, and one pair of runs says little:
# `docs/known.md` has the means over many seeds, and what a source that says nothing costs. Whether
# yours carries anything, the search says itself. The share is that of the prior variance of the
# model; the agreement is the rank correlation with the error that was observed.

# %%
(card,) = FeatureTable().compute(experiment_of(warm_client)).flatten()
print(card.df.to_string(index=False))

# %% [markdown]
# ## Columns, functions and what you have tried
#
# A feature is a function of codes, a column of a benchmark, or what operations cost; with `start`
# the five architectures with its best values come first. Here a feature that says nothing: numbers
# that were drawn at random. Only half of the trials look at features, so that it costs little.

# %%
noise = np.random.default_rng(0).random(cell.size)
keys = cell.keys(cell.enumerate())


def drawn(codes):
    return noise[np.searchsorted(keys, cell.keys(cell.canonical(codes)))]


codes = cell.sample(5, np.random.default_rng(1))
known = citeseer.query(codes)["valid_error"]
tried = {
    str(cell.architecture(code)): {"valid_error": float(error)}
    for code, error in zip(codes, known, strict=True)
}
client, misled = search(citeseer, 30, features={"noise": drawn}, start_with=tried)
(card,) = FeatureTable().compute(experiment_of(client)).flatten()
print(card.df.to_string(index=False))
print("trials:", len(experiment_of(client).trials), "of which", len(tried), "are of earlier work")

# %% [markdown]
# ## Scores without training
#
# Where a cell is a network of images, `features=["synflow"]` and `start="synflow"` need nothing
# else: small networks are built and looked at with their first weights. On the command line
# `ax-anasod proxies` prints them, with their rank agreement where values are known.

# %%
darts = cells.get("darts")
codes = darts.sample(12, np.random.default_rng(2))
scores = Proxies(darts).all(list(PROXIES), codes)
for name, column in zip(PROXIES, scores.T, strict=True):
    print(f"{name:10} from {column.min():12.2f} to {column.max():12.2f}")
ranks = scores.argsort(axis=0).argsort(axis=0)
agreement = np.corrcoef(ranks.T)
print("synflow and the number of weights agree with", f"{agreement[0, 5]:.2f}")

# %% [markdown]
# Scores and the size of a network agree with each other more than with what a training finds:
# measure before you trust one as a start.
