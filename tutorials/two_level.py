# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation: {extension: .py, format_name: percent, format_version: '1.3'}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # From the right distribution to the best architecture
#
# ANASOD searches *how many* blocks take each operation, and draws an architecture from the
# best distribution. `two-level-bo` starts from the same idea and goes on where it ends: its
# model adds what lies on which block, and what the paths through the cell compute. This
# notebook searches [NAS-Bench-Graph](https://github.com/THUMNLab/NAS-Bench-Graph) with it,
# stops when little is left to expect, and looks at what the model has learnt.

# %%
import matplotlib.pyplot as plt
import numpy as np

from ax_anasod import architecture_of, experiment_of, make_client, nasbench
from ax_anasod.generators import EXPECTED_IMPROVEMENT
from ax_anasod.global_stopping import ExpectedImprovementStoppingStrategy
from ax_anasod.surrogates import LevelFeatures, TwoLevelGP, levels_of

benchmark = nasbench.make("nas-bench-graph", dataset="citeseer")
cell, optimum = benchmark.cell, benchmark.optimum("valid_error")
print(f"{cell.size:,} architectures, the best has {optimum:.2f} % error")


# %% [markdown]
# ## A search
#
# Plain Ax ask-and-tell. On a benchmark an evaluation is a look-up; on your networks it is a
# training run, and nothing else changes. Each trial that the model proposes carries the
# improvement that the model expects of it, in percent of the best value so far.


# %%
def evaluate(index):
    architecture = architecture_of(client, index)
    return float(benchmark.query(architecture.code[None])["valid_error"][0])


client = make_client(cell, "two-level-bo", objectives="valid_error", seed=1)
rule = ExpectedImprovementStoppingStrategy(improvement_below=0.02)
errors = []
while len(errors) < 100 and not rule.should_stop_optimization(experiment_of(client))[0]:
    for index in client.get_next_trials(1):
        errors.append(evaluate(index))
        client.complete_trial(index, {"valid_error": errors[-1]})

best_so_far = np.minimum.accumulate(errors)
for trials in range(10, len(errors) + 1, 10):
    run = experiment_of(client).trials[trials - 1].generator_runs[0]
    expected = (run.gen_metadata or {}).get(EXPECTED_IMPROVEMENT)
    words = "random" if expected is None else f"expects {expected:5.2f} %"
    print(f"{trials:3} trials: best {best_so_far[trials - 1]:.2f} %   {words}")

# %%
why = rule.should_stop_optimization(experiment_of(client))[1]
print(f"{len(errors)} trials, best {min(errors):.2f} % (the best of all has {optimum:.2f} %)")
print("stopped:", why)
print("found:", architecture_of(client, int(np.argmin(errors))))

# %%
plt.figure(figsize=(7, 3), dpi=100)
plt.plot(errors, ".", label="trial")
plt.step(range(len(errors)), best_so_far, where="post", label="best so far")
plt.axhline(optimum, color="grey", lw=1, label="best of all 26,206")
plt.axvline(9.5, color="grey", ls=":", label="the model starts")
plt.ylim(optimum - 0.5, np.quantile(errors, 0.9))
plt.xlabel("trial")
plt.ylabel("validation error (%)")
plt.legend()
plt.show()

# %% [markdown]
# The command line has the same rule as
# `ax-anasod search ... --strategy two-level-bo --until-improvement-below 0.02`, and Ax's
# `Orchestrator` takes it as `OrchestratorOptions(global_stopping_strategy=rule)`.
#
# ## What the model knows
#
# Its covariance is a sum over levels. How much variance the fit gives to each says what the
# task is about: where `distribution` has nearly all of it, `anasod-bo` does as well, and what
# it finds can be drawn again for a cell of any size.

# %%
codes = np.array([architecture_of(client, index).code for index in experiment_of(client).trials])
logs = np.log(errors)
targets = (logs - logs.mean()) / logs.std()
levels = levels_of(cell)
features = LevelFeatures(cell, codes)
model = TwoLevelGP([*levels.values()], features.distances(features, levels), targets)
for name, variance in model.variances.items():
    print(f"{name:13} variance {variance:5.2f}  {'#' * round(20 * variance)}")
print(f"{'noise':13} variance {model.noise:5.2f}")

# %% [markdown]
# The model predicts every architecture at once. It was shown a few dozen of 26,206, most of
# them good ones; how well does it order the rest?

# %%
everything = cell.enumerate()
truth = benchmark.query(everything)["valid_error"]
mean, deviation = model.predict(LevelFeatures(cell, everything).distances(features, levels))
promising = np.argsort(mean)[:100]
print(f"median error of all architectures:           {np.median(truth):.2f} %")
print(f"median error of the 100 most promising ones: {np.median(truth[promising]):.2f} %")
better = bool(np.median(truth[promising]) < np.quantile(truth, 0.1))
print("the most promising are among the best tenth:", better)

# %% [markdown]
# ## Architectures that compute the same
#
# The path levels compare what the cell computes, not how it is written. These two cells of
# NAS-Bench-201 are different strings for one function, and their distance there is 0:

# %%
from ax_anasod import cells

small = cells.get("nas-bench-201")
same = small.from_strings(
    [
        "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|skip_connect~2|",
        "|skip_connect~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_1x1~2|",
    ]
)
written = LevelFeatures(small, same)
for name, distance in written.distances(written, levels_of(small)).items():
    print(f"{name:13} distance {distance[0, 1]}")
