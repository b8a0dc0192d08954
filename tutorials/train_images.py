# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation: {extension: .py, format_name: percent, format_version: '1.3'}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Search by training
#
# No table of results here: every trial builds a network from an encoding, trains it on images,
# and measures it on images held out. The images are scikit-learn's handwritten digits, which
# need no download; the networks are small and the trainings short, so that all of this runs on
# one CPU core in about a minute. With `DataConfig("cifar10", "FOLDER")`, the default
# `NetworkConfig()` and `protocol("search")` it is the paper's search, for a GPU.
#
# 1. A search with Ax, with early stopping
# 2. The same from the command line, killed and continued
# 3. The network that was found, trained for good
# 4. An ensemble of architectures of one encoding

# %%
import logging
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

# Networks this small gain nothing from more threads, and lose a lot where the cores are busy.
os.environ["OMP_NUM_THREADS"] = "1"
warnings.simplefilter("ignore")

from IPython.display import Image, display

from ax_anasod import AnasodSearchSpace, cells, generation_strategy, load_model, make_experiment
from ax_anasod.early_stopping import RepeatablePercentileEarlyStoppingStrategy
from ax_anasod.metrics import TrainingMetric
from ax_anasod.networks import NetworkConfig
from ax_anasod.retraining import BestTrial, evaluate, evaluation_task, train_ensemble
from ax_anasod.runners import TrainingRunner
from ax_anasod.runs import RunView, TrainingSearch
from ax_anasod.training import DataConfig, Hardware, TrainingTask, TrialState, load_data, protocol

scratch = tempfile.TemporaryDirectory()
folder = Path(scratch.name)

# %% [markdown]
# ## 1. A search with Ax, with early stopping
#
# A `TrainingTask` is everything but the architectures: the cell, the images, the skeleton around
# the cells, how each network is trained, and on what. The cell is the paper's for images: ten
# blocks, eight operations, 19,448 encodings. Each layer of a network is another architecture
# drawn from the trial's encoding.

# %%
task = TrainingTask(
    cell=cells.get("nasnet"),
    data=DataConfig("digits", images=900),
    network=NetworkConfig(channels=4, cells=3),
    training=protocol("search", epochs=5, batch_size=72, learning_rate=0.08),
    hardware=Hardware("cpu"),
)
space = AnasodSearchSpace.from_cell(task.cell)
data = load_data(task.data)
print(f"{len(data.train)} digits to learn from, {len(data.valid)} to measure on")
print(f"{task.cell.num_encodings:,} encodings of {', '.join(task.cell.operations)}")

# %% [markdown]
# `TrainingRunner` is an Ax runner: it trains an epoch each time that Ax polls it.
# `TrainingMetric` gives Ax the curve so far, and Ax's early-stopping strategies read it. The one
# here is Ax's `PercentileEarlyStoppingStrategy`, for searches in which an encoding may come
# twice: after at least two epochs, a trial that is among the worse half of all trials at the
# same epoch is stopped.

# %%
from ax.orchestration.orchestrator import Orchestrator, OrchestratorOptions

TRIALS = 9  # the first five at random

experiment = make_experiment(
    space, "valid_error", metrics=[TrainingMetric("valid_error")], seed=0, strategy="anasod-bo"
)
experiment.runner = TrainingRunner(task, str(folder / "trials"), seed=0, tensorboard=False)
orchestrator = Orchestrator(
    experiment,
    generation_strategy.make("anasod-bo", space, seed=0, num_initial=5),
    options=OrchestratorOptions(
        max_pending_trials=1,
        logging_level=logging.WARNING,  # it reports every trial otherwise
        init_seconds_between_polls=0,
        min_seconds_before_poll=0.0,
        early_stopping_strategy=RepeatablePercentileEarlyStoppingStrategy(
            percentile_threshold=50, min_progression=2, min_curves=4
        ),
    ),
)
orchestrator.run_n_trials(TRIALS)

states = [TrialState.read(folder / "trials" / f"{trial:04d}") for trial in range(TRIALS)]
for trial, state in enumerate(states):
    error = state.values["valid_error"]
    print(f"trial {trial:2}  {state.status:9}  {len(state.epochs)} epochs  {error:5.2f} % error")
trained = sum(len(state.epochs) for state in states)
print(f"{trained} epochs were trained, {task.training.epochs * TRIALS - trained} saved")

# %% [markdown]
# The curves are in the Ax experiment, too, one step an epoch.

# %%
curves = experiment.lookup_data().full_df
best = int(np.argmin([state.values["valid_error"] for state in states]))
figure, axes = plt.subplots(figsize=(7, 3.4), dpi=90)
for trial, curve in curves.groupby("trial_index"):
    stopped = states[trial].status == "stopped"
    colour = "#D55E00" if stopped else "#0072B2"
    width = 2.5 if trial == best else 1
    axes.plot(curve["step"], curve["mean"], color=colour, linewidth=width)
    axes.plot(*curve[["step", "mean"]].iloc[-1], "x" if stopped else "o", color=colour)
for label, colour in (("trained to the end", "#0072B2"), ("stopped early", "#D55E00")):
    axes.plot([], [], color=colour, label=label)
axes.plot([], [], color="#0072B2", linewidth=2.5, label=f"the best, trial {best}")
axes.set(xlabel="epoch", ylabel="validation error [percent]", ylim=(0, None))
axes.set_xticks(range(1, task.training.epochs + 1))
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# ## 2. The same from the command line, killed and continued
#
# `ax-anasod train` does such a search in a folder. Here it runs as a process of its own, which
# is killed (SIGKILL: it cannot put anything in order) once its second trial has two epochs.


# %%
# Jupyter asks programs for colours and progress bars, which are for a terminal.
environment = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "CLICOLOR_FORCE")}


def ax_anasod(*arguments):
    """The command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "ax_anasod", *map(str, arguments)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


sizes = ["--images", 900, "--channels", 4, "--cells", 3, "--epochs", 4, "--batch-size", 72]
killed = ax_anasod("train", *sizes, "--learning-rate", 0.08, "--trials", 2, "--out", "run")
second_trial = folder / "run" / "trials" / "0001"
while killed.poll() is None and not (
    (state := TrialState.read(second_trial)) and len(state.epochs) >= 2
):
    time.sleep(0.005)
killed.kill()
print("exit code:", killed.wait())

before = TrialState.read(second_trial)
records = RunView.read(folder / "run").records
print("trials in the journal that have ended:", sum(record.end is not None for record in records))
print(f"trial 1: {before.status}, epochs that are kept: {len(before.epochs)}")

# %% [markdown]
# `ax-anasod resume` goes on from the last epoch.

# %%
print(ax_anasod("resume", "run").communicate()[0])
after = TrialState.read(second_trial)
kept = after.epochs[: len(before.epochs)] == before.epochs
print("the epochs before the kill were not trained again:", kept)

# %% [markdown]
# And the result is not only similar. Beside it the same run, in this process, which nobody kills:

# %%
run = RunView.read(folder / "run")
undisturbed = TrainingSearch.of(run.config, folder / "undisturbed")
undisturbed.run(run.config.trials)
same = [record.end.values for record in run.records] == [
    record.end.values for record in undisturbed.records
]
print("values of the trials, bit for bit the same:", same)

# %% [markdown]
# ## 3. The network that was found, trained for good
#
# `BestTrial` reads the best trial of a run, and `evaluation_task` says how it is trained: on all
# images but the test images, which the search never saw. The paper's protocol has 600 epochs;
# this is five, with the auxiliary tower and drop path of the protocol, and without its CutMix,
# which needs many more epochs than that. In a terminal: `ax-anasod evaluate run --epochs 5
# --batch-size 72 --learning-rate 0.08 --training mix=none`.

# %%
found = BestTrial.in_run(folder / "run")
longer = evaluation_task(
    found,
    "evaluation",
    training={"epochs": 5, "batch_size": 72, "learning_rate": 0.08, "mix": "none"},
)
images = load_data(longer.data, "evaluation")
ensemble = folder / "ensemble"
result = evaluate(found, longer, images, ensemble / "member-0")
print(f"trial {found.trial}:", {name: count for name, count in found.encoding.items() if count})
print(f"{len(images.train)} digits to learn from, {len(images.valid)} for the test")
print(f"validation error in the search: {found.valid_error:.2f} %")
print(f"test error:                     {result.metrics['test_error']:.2f} %")
display(Image(data=(ensemble / "member-0" / "learning_curve.png").read_bytes(), width=760))

# %% [markdown]
# `model.pt` holds everything that is needed to use the network elsewhere. Loading it executes
# nothing that is in the file.

# %%
model = load_model(ensemble / "member-0" / "model.pt")
probabilities = model.predict(images.valid.pixels)
same = np.allclose(probabilities.numpy(), result.probabilities, atol=1e-5)
print("the loaded model says the same:", same)

# %% [markdown]
# The six test digits to whose class it gives the least probability:

# %%
given = probabilities[np.arange(len(result.labels)), result.labels]
figure, panels = plt.subplots(1, 6, figsize=(8, 1.7), dpi=90)
for axes, index in zip(panels, given.argsort()[:6].tolist(), strict=True):
    axes.imshow(images.valid.pixels[index, 0], cmap="gray_r")
    says, sure = int(probabilities[index].argmax()), float(probabilities[index].max())
    axes.set_title(f"{result.labels[index]}, read as {says}\n({sure:.0%} sure)", fontsize=8)
    axes.axis("off")
figure.tight_layout()
plt.show()

# %% [markdown]
# ## 4. An ensemble of architectures of one encoding
#
# One encoding stands for many architectures of about the same quality, and networks that differ
# make different mistakes. The paper leaves this for future work. `train_ensemble` draws further
# architectures from the encoding that was found, trains each, and averages their probabilities;
# the first member is the network above, which is not trained again. In a terminal:
# `ax-anasod ensemble run --members 3`, with the options of `evaluate`.

# %%
together = train_ensemble(found, longer, images, ensemble, members=3)
print("                 accuracy   negative log-likelihood   calibration error")
for name, figures in (
    *((f"member {i}", each) for i, each in enumerate(together.figures["members"])),
    ("mean of members", together.figures["mean_of_members"]),
    ("ensemble", together.figures["ensemble"]),
):
    print(
        f"{name:15} {figures['accuracy']:7.2f} %   {figures['negative_log_likelihood']:23.3f}"
        f"   {figures['expected_calibration_error']:10.2f} points"
    )
display(Image(data=(ensemble / "reliability.png").read_bytes(), width=760))

# %% [markdown]
# The left panel is one network, the right panel the ensemble: on the dotted line a predictor is
# as often right as it is confident. An average is less confident than its members. These, after
# so short a training, are not confident enough to begin with, so that the ensemble is more often
# right than its members are on average, and worse calibrated.
#
# `docs/training.md` describes data sets, options and runners (Ray, for several trials at a
# time), `docs/evaluation.md` what comes after a search.

# %%
scratch.cleanup()
