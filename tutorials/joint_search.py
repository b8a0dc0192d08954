# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation: {extension: .py, format_name: percent, format_version: '1.3'}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Architecture and hyperparameters together
#
# An ordinary Ax experiment searches a learning rate and a width. Here it gets a cell: the same
# parameters, and beside them an architecture. The networks are small multilayer perceptrons on
# scikit-learn's handwritten digits, so that all of this runs in well under a minute.
#
# 1. The experiment as it is
# 2. The same with a cell
# 3. Limits on the counts of operations
# 4. What was found

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np

# They are about starts of Ax's own optimiser.
for message in ("A not p.d.", "Optimization failed"):
    warnings.filterwarnings("ignore", message=message)

import torch
from sklearn.datasets import load_digits

from ax_anasod import Cell, OptionError, architecture_of, make_client

torch.set_num_threads(1)  # more threads cost more than they give on networks this small
plt.rcParams.update({"figure.figsize": (7.5, 3.6), "figure.dpi": 80, "axes.grid": True})
plt.rcParams.update({"grid.color": "#e6e9ee", "axes.axisbelow": True})

# %% [markdown]
# ## 1. The experiment as it is
#
# 400 images train, 700 validate. A network is a list of operations, a width and a learning rate.

# %%
images, labels = load_digits(return_X_y=True)
order = np.random.default_rng(0).permutation(len(labels))[:1100]
X = torch.tensor((images[order] - images.mean()) / images.std(), dtype=torch.float32)
Y = torch.tensor(labels[order])
ACTIVATIONS = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}


def error_of(operations, learning_rate, width):
    """The validation error in percent after 8 epochs, the mean of two seeds."""
    errors = []
    for seed in range(2):
        shuffle = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layers = [torch.nn.Linear(64, width)]
            for operation in operations:
                if operation in ACTIVATIONS:
                    layers += [ACTIVATIONS[operation](), torch.nn.Linear(width, width)]
                elif operation == "norm":
                    layers += [torch.nn.LayerNorm(width)]
            network = torch.nn.Sequential(*layers, torch.nn.Linear(width, 10))
        optimizer = torch.optim.SGD(network.parameters(), lr=learning_rate, momentum=0.9)
        for _ in range(8):
            for batch in torch.randperm(400, generator=shuffle).split(50):
                loss = torch.nn.functional.cross_entropy(network(X[batch]), Y[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        with torch.no_grad():
            wrong = network(X[400:]).argmax(dim=1) != Y[400:]
        errors.append(100 * wrong.double().mean().item())
    return float(np.mean(errors))


# %% [markdown]
# The parameters, as for any experiment of Ax:

# %%
from ax.api.client import Client
from ax.api.configs import RangeParameterConfig

PARAMETERS = [
    RangeParameterConfig("learning_rate", (1e-3, 1.0), "float", scaling="log"),
    RangeParameterConfig("width", (8, 32), "int", scaling="log"),
]
FIXED = ["relu", "relu", "skip", "skip"]
TRIALS = 25

client = Client(random_seed=0)
client.configure_experiment(parameters=PARAMETERS)
client.configure_optimization(objective="-error")
alone = []
for _ in range(TRIALS):
    for index, parameters in client.get_next_trials(max_trials=1).items():
        alone.append(error_of(FIXED, **parameters))
        client.complete_trial(index, raw_data={"error": alone[-1]})
print(f"best of {TRIALS} trials with {'|'.join(FIXED)}: {min(alone):.2f} percent")

# %% [markdown]
# ## 2. The same with a cell
#
# A cell is a number of blocks that each take one of several operations. `make_client` takes the
# parameters as they are. They are in each trial's parameters as everywhere in Ax, and
# `architecture_of` tells the architecture.

# %%
cell = Cell("digits-mlp", operations=["relu", "tanh", "norm", "skip"], num_blocks=4)


def search(strategy, **given):
    client = make_client(cell, strategy, seed=0, parameters=PARAMETERS, **given)
    errors = []
    for _ in range(TRIALS):
        for index, parameters in client.get_next_trials(max_trials=1).items():
            beside = {p.name: parameters[p.name] for p in PARAMETERS}
            errors.append(error_of(architecture_of(client, index).operations, **beside))
            client.complete_trial(index, raw_data={"error": errors[-1]})
    return client, errors


client, joint = search("two-level-bo")
print(f"best of {TRIALS} trials with a cell: {min(joint):.2f} percent")

# %% [markdown]
# Of the strategies, `random`, `anasod-random`, `anasod-biased-random`, `anasod-bo`,
# `two-level-bo`, `regularized-evolution`, `tpe` and `smac` search both. The others search cells
# only, and say so:

# %%
try:
    make_client(cell, "local-search", parameters=PARAMETERS)
except OptionError as error:
    print(error)

# %% [markdown]
# ## 3. Limits on the counts of operations
#
# Linear constraints on the counts `n_<operation>` say which architectures there are. All
# strategies keep them, and draws are uniform over what is left.

# %%
limits = ["n_norm == 1", "n_skip <= 1"]
client, limited = search("two-level-bo", parameter_constraints=limits)
found = [architecture_of(client, index).operations for index in range(TRIALS)]
kept = all(o.count("norm") == 1 and o.count("skip") <= 1 for o in found)
print(f"best of {TRIALS} trials within the limits: {min(limited):.2f} percent; all kept: {kept}")

# %% [markdown]
# What cannot be kept is refused before the first trial:

# %%
try:
    make_client(cell, "two-level-bo", parameter_constraints=["n_norm >= 3", "n_relu >= 2"])
except OptionError as error:
    print(error)

# %% [markdown]
# ## 4. What was found

# %%
figure, axes = plt.subplots()
curves = {"learning rate and width": alone, "with a cell": joint, "with limits": limited}
colors = {"learning rate and width": "#8a94a6", "with a cell": "#3f5fb5", "with limits": "#c0392b"}
for name, errors in curves.items():
    best = np.minimum.accumulate(errors)
    axes.step(range(TRIALS), best, where="post", color=colors[name], label=name)
axes.set(xlabel="trial", ylabel="best validation error [percent]", yscale="log")
axes.set_title("One run of each", loc="left")
axes.legend(frameon=False)
figure.tight_layout()
plt.show()

# %% [markdown]
# One run says little: `docs/joint.md` compares seeds on a table of 6,804 settings. Anything else
# is as in any search: pending, failed and attached trials (`attach_architecture(client,
# architecture, data, parameters)`), saving and loading.
