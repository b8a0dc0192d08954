"""The data and protocols of a training, every number of which can change.

The command line reads names, defaults and help of its options from these classes, so that
nothing heavy is imported here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, get_args

from annotated_types import Ge, Gt, Le, Lt

from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.settings import (
    Configuration,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ProperFraction,
    checked,
)


@checked
@dataclass(frozen=True)
class DataConfig(Configuration):
    """The images, and how they are divided.

    Args:
        dataset: ``digits`` (scikit-learn's, in the package), ``cifar10``, ``cifar100``,
            ``fashion-mnist`` (downloaded into the folder unless they are there), or any name for
            the images in the folder.
        path: Folder of the images: ``train``, ``val`` and ``test``, each a folder or tar file of
            class folders, or class folders alone.
        images: Use only so many of the training images, the same share of each class.
        validation: Share of the training images that the search measures on, in (0, 1); where
            the data set has a validation split and a test split, the search measures on the
            validation split.
        image_size: Resize images to so many pixels a side.
        seed: Decides which images are used, and which of them are learned from.
        skip_damaged: Leave out images of class folders that are damaged or missing, and say how
            many, instead of refusing them.

    Raises:
        OptionError: A value is of another type, or out of its range.
    """

    dataset: str = "digits"
    path: str | None = None
    images: Annotated[int, Ge(1), Le(10**9)] | None = None
    validation: Annotated[float, Gt(0), Lt(1)] = 0.2
    image_size: Annotated[int, Ge(1), Le(10**4)] | None = None
    # torch takes no larger ones.
    seed: Annotated[int, Ge(0), Le(2**63 - 1)] = 0
    skip_damaged: bool = False


SequenceDataset = Literal["recall+facts", "recall", "facts", "copying", "text"]
SEQUENCE_DATASETS: Final[tuple[SequenceDataset, ...]] = get_args(SequenceDataset)
_MOST_TOKENS: Final = 10**9


@checked
@dataclass(frozen=True)
class SequenceConfig(Configuration):
    """The sequences of tokens.

    Args:
        dataset: ``recall+facts`` (two tasks that one network learns at once), ``recall`` or
            ``facts`` alone, ``copying``, or ``text``: the characters of a file.
        path: The file of ``text``, in UTF-8.
        sequences: Learn from so many sequences; by default from 1,600 that are drawn for a task,
            or from all of a text.
        length: Tokens of a sequence.
        seed: Decides which sequences are learned from and measured on.
        digest: SHA-256 of the file, so that a run goes on with the text that it began with; None
            takes what is there.

    Raises:
        OptionError: A value is of another type or out of its range, or a file is given for
            another data set than ``text``, or none for that.
        UnknownNameError: The data set is unknown.
    """

    dataset: SequenceDataset = "recall+facts"
    path: str | None = None
    sequences: Annotated[int, Ge(1), Le(10**7)] | None = None
    length: Annotated[int, Ge(6), Le(10**5)] = 48
    seed: Annotated[int, Ge(0), Le(2**63 - 1)] = 0
    digest: str | None = None

    def __post_init__(self) -> None:
        if self.dataset == "text" and self.path is None:
            raise OptionError("the data set 'text' needs a file", "name one with --data FILE")
        if self.dataset != "text" and self.path is not None:
            raise OptionError(
                f"the sequences of {self.dataset!r} are drawn, but the file {self.path!r} is given",
                "the data set 'text' has the characters of a file",
            )
        if (self.sequences or 1) * self.length > _MOST_TOKENS:
            raise OptionError(
                f"{self.sequences:,} sequences of {self.length:,} tokens are more than "
                f"{_MOST_TOKENS:,} tokens"
            )

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts that are measured apart, such as ``("recall", "facts")``."""
        return tuple(self.dataset.split("+"))


@checked
@dataclass(frozen=True)
class TrainingConfig(Configuration):
    """One training: an optimiser and a cosine schedule.

    The defaults are the paper's search protocol: stochastic gradient descent. What the paper takes
    over from DARTS without naming it (gradient clipping, padding, the linear rise of the drop path
    rate) has the values of DARTS.

    Source: paper, Appendix A.2; Liu et al. 2019 (DARTS).

    Args:
        epochs: Passes over the training images, or sequences.
        batch_size: Images or sequences in one step of the optimiser.
        learning_rate: The largest learning rate; it falls along a cosine over the whole training.
        final_learning_rate: At the last step.
        momentum: Of the gradient.
        weight_decay: Factor of the squared norm of the weights; with ``adamw`` of matrices only,
            and apart from the gradient (Loshchilov and Hutter, ICLR 2019).
        gradient_clip: Largest norm of the gradient; None does not clip.
        label_smoothing: Share of the target that is spread over all classes, in [0, 1).
        crop_padding: Pixels that a random crop may move an image; None takes an eighth of its
            side (4 of 32 pixels), 0 does not crop.
        flip: Whether half of the images are mirrored; None does so unless the data set says
            that a mirrored image is another one.
        cutout: Side of the square that is blanked, in pixels; 0 blanks nothing.
        mix: ``"cutmix"``, ``"mixup"`` or ``"none"``.
        mix_alpha: Parameter of the Beta distribution that the share is drawn from.
        auto_augment: Whether images pass the AutoAugment policy of CIFAR-10.
        auxiliary_weight: Weight of the auxiliary tower's loss; 0 builds no tower.
        drop_path: Rate at which paths are dropped in the last epoch, rising linearly from 0.
        ema_decay: Decay of an exponential moving average of the weights, which is then what
            is evaluated; None keeps none.
        retry_out_of_memory: Whether a step that does not fit the memory of the device is made
            once more in four smaller parts, whose gradients are added up; on one device only.
        optimizer: ``"sgd"`` or ``"adamw"``.
        squared_momentum: Of the squared gradient, for ``adamw``.
        warm_up: Share of the training in which the learning rate rises linearly, in [0, 1).

    Raises:
        OptionError: A number is out of its range, or a value of another type.
        UnknownNameError: The mix or the optimiser is unknown.

    Example:
        >>> protocol("search", epochs=5).batch_size
        96
    """

    epochs: PositiveInt = 30
    batch_size: PositiveInt = 96
    # Single precision ends near 1e38.
    learning_rate: Annotated[float, Gt(0), Le(1e30)] = 0.025
    final_learning_rate: Annotated[float, Ge(0), Le(1e30)] = 0.0
    momentum: ProperFraction = 0.9
    weight_decay: NonNegativeFloat = 3e-4
    gradient_clip: PositiveFloat | None = 5.0
    label_smoothing: ProperFraction = 0.0
    crop_padding: NonNegativeInt | None = None
    flip: bool | None = None
    cutout: NonNegativeInt = 0
    mix: Literal["none", "cutmix", "mixup"] = "none"
    # Nearer to 0 the distribution cannot be computed; the shares are 0 or 1 long before.
    mix_alpha: Annotated[float, Ge(1e-6)] = 1.0
    auto_augment: bool = False
    auxiliary_weight: NonNegativeFloat = 0.0
    drop_path: ProperFraction = 0.0
    ema_decay: Annotated[float, Gt(0), Lt(1)] | None = None
    retry_out_of_memory: bool = False
    optimizer: Literal["sgd", "adamw"] = "sgd"
    squared_momentum: ProperFraction = 0.999
    warm_up: ProperFraction = 0.0


IMAGES_ONLY: Final = (
    "crop_padding",
    "flip",
    "cutout",
    "mix",
    "mix_alpha",
    "auto_augment",
    "auxiliary_weight",
    "drop_path",
)
"""Fields of :class:`TrainingConfig` that are of images, or of networks for them."""

_EVALUATION: Final = {"epochs": 600, "mix": "cutmix", "auxiliary_weight": 0.4, "drop_path": 0.2}
PROTOCOLS: Final[dict[str, Mapping[str, Any]]] = {
    "search": {},
    "evaluation": _EVALUATION,
    "evaluation+": {**_EVALUATION, "epochs": 1500, "auto_augment": True},
}
"""The paper's protocols (Appendix A.2): its search, ANASOD-BO, and ANASOD-BO+ in Table 4.

Each says what differs from the defaults of :class:`TrainingConfig`.

ANASOD-BO with Mixup instead of CutMix is ``protocol("evaluation", mix="mixup")``.
"""


_SEQUENCES: Final = {
    "epochs": 4,
    "batch_size": 16,
    "learning_rate": 3e-3,
    "final_learning_rate": 3e-4,
    "weight_decay": 0.01,
    "gradient_clip": 1.0,
    "optimizer": "adamw",
    "squared_momentum": 0.99,
    "warm_up": 0.1,
}
SEQUENCE_PROTOCOLS: Final[dict[str, Mapping[str, Any]]] = {
    "search": _SEQUENCES,
    "evaluation": {**_SEQUENCES, "epochs": 12},
}
"""Protocols of language models: that of the table of ``hybrid-lm``, for longer."""


def protocol(name: str, **options: Any) -> TrainingConfig:
    """One of the paper's protocols, with other values where they are given.

    Args:
        name: ``"search"``, ``"evaluation"`` or ``"evaluation+"``.
        **options: Arguments of :class:`TrainingConfig`.

    Raises:
        UnknownNameError: The protocol or an option is unknown.
        OptionError: A number is out of its range.
    """
    if name not in PROTOCOLS:
        raise UnknownNameError("training protocol", name, PROTOCOLS)
    return TrainingConfig(**{**PROTOCOLS[name], **options})


def sequence_protocol(name: str, **options: Any) -> TrainingConfig:
    """A protocol for language models, with other values where they are given.

    Args:
        name: ``"search"`` or ``"evaluation"``.
        **options: Arguments of :class:`TrainingConfig`.

    Raises:
        UnknownNameError: The protocol or an option is unknown.
        OptionError: A number is out of its range.
    """
    if name not in SEQUENCE_PROTOCOLS:
        raise UnknownNameError("training protocol for sequences", name, SEQUENCE_PROTOCOLS)
    return TrainingConfig(**{**SEQUENCE_PROTOCOLS[name], **options})


def cosine_rate(config: TrainingConfig, progress: float) -> float:
    """The learning rate after a share of a training (SGDR's cosine, one period)."""
    low, high = config.final_learning_rate, config.learning_rate
    return low + (high - low) * (1 + math.cos(math.pi * progress)) / 2


def rate_at(config: TrainingConfig, step: int, steps: int) -> float:
    """The learning rate at a step: a linear warm-up, then a cosine.

    Args:
        config: How it is trained.
        step: Number of the step, from 0.
        steps: Steps of the whole training.
    """
    rising = config.warm_up * steps
    if step < rising:
        return config.learning_rate * min((step + 1) / rising, 1.0)
    return cosine_rate(config, (step - rising) / (steps - rising))
