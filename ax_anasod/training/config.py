"""What a network is trained on, and how: the paper's protocols, every number of which can change.

The command line reads names, defaults and help of its options from these classes, so that
nothing heavy is imported here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Self

from ax_anasod.checked import check_names, check_range, check_types
from ax_anasod.exceptions import OptionError, UnknownNameError

MIXES: Final = ("none", "cutmix", "mixup")


@dataclass(frozen=True)
class DataConfig:
    """Which images, and how they are divided.

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
        skip_damaged: Leave images of class folders that are damaged or missing out, and say how
            many, instead of refusing them.

    Raises:
        OptionError: A value is of another type, or out of its range.
    """

    dataset: str = "digits"
    path: str | None = None
    images: int | None = None
    validation: float = 0.2
    image_size: int | None = None
    seed: int = 0
    skip_damaged: bool = False

    def __post_init__(self) -> None:
        check_types(self)
        if not 0 < self.validation < 1:
            raise OptionError(f"validation must be in (0, 1), got {self.validation!r}")
        for name, most in (("images", 10**9), ("image_size", 10**4)):
            check_range(name, getattr(self, name), 1, most)
        # torch takes no larger ones.
        check_range("the seed of the data", self.seed, 0, 2**63 - 1)

    def to_dict(self) -> dict[str, Any]:
        """The configuration as JSON-able data."""
        described = asdict(self)
        # Checkpoints from before there was this option are of the same images.
        if not self.skip_damaged:
            del described["skip_damaged"]
        return described

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Self:
        """The configuration that `to_dict` described.

        Raises:
            UnknownNameError: There is no option of a name.
            OptionError: A value is of another type, or out of its range.
        """
        return cls(**check_names(cls, description))


@dataclass(frozen=True)
class TrainingConfig:
    """One training: stochastic gradient descent with momentum and a cosine schedule.

    The defaults are the paper's search protocol. What the paper takes over from DARTS without
    naming it (gradient clipping, padding, the linear rise of the drop path rate) has the
    values of DARTS.

    Source: paper, Appendix A.2; Liu et al. 2019 (DARTS).

    Args:
        epochs: Passes over the training images.
        batch_size: Images in one step of the optimiser.
        learning_rate: Learning rate at the first step; it falls along a cosine over the whole
            training.
        final_learning_rate: At the last step.
        momentum: Of the gradient.
        weight_decay: Factor of the squared norm of the weights.
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
            once more in four smaller parts, whose gradients are added up.

    Raises:
        OptionError: A number is out of its range, or a value of another type.
        UnknownNameError: There is no such mix.

    Example:
        >>> protocol("search", epochs=5).batch_size
        96
    """

    epochs: int = 30
    batch_size: int = 96
    learning_rate: float = 0.025
    final_learning_rate: float = 0.0
    momentum: float = 0.9
    weight_decay: float = 3e-4
    gradient_clip: float | None = 5.0
    label_smoothing: float = 0.0
    crop_padding: int | None = None
    flip: bool | None = None
    cutout: int = 0
    mix: str = "none"
    mix_alpha: float = 1.0
    auto_augment: bool = False
    auxiliary_weight: float = 0.0
    drop_path: float = 0.0
    ema_decay: float | None = None
    retry_out_of_memory: bool = False

    def __post_init__(self) -> None:
        check_types(self)
        for name, (allowed, words) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and allowed(value)):
                raise OptionError(f"{name} must be {words}, got {value!r}")
        if self.mix not in MIXES:
            raise UnknownNameError("mix", self.mix, MIXES)

    def to_dict(self) -> dict[str, Any]:
        """The configuration as JSON-able data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Self:
        """The configuration that `to_dict` described.

        Raises:
            UnknownNameError: There is no option of a name.
            OptionError: A number is out of its range.
        """
        return cls(**check_names(cls, description))

    def with_options(self, **options: Any) -> Self:
        """The same configuration with other values.

        Raises:
            UnknownNameError: There is no option of a name.
            OptionError: A number is out of its range.
        """
        return replace(self, **check_names(type(self), options))


_RANGES: Final[dict[str, tuple[Callable[[float], bool], str]]] = {
    "epochs": (lambda x: x >= 1, "at least 1"),
    "batch_size": (lambda x: x >= 1, "at least 1"),
    # Single precision ends near 1e38.
    "learning_rate": (lambda x: 0 < x <= 1e30, "greater than 0 and at most 1e30"),
    "final_learning_rate": (lambda x: 0 <= x <= 1e30, "from 0 to 1e30"),
    "momentum": (lambda x: 0 <= x < 1, "in [0, 1)"),
    "weight_decay": (lambda x: x >= 0, "at least 0"),
    "gradient_clip": (lambda x: x > 0, "greater than 0"),
    "label_smoothing": (lambda x: 0 <= x < 1, "in [0, 1)"),
    "crop_padding": (lambda x: x >= 0, "at least 0"),
    "cutout": (lambda x: x >= 0, "at least 0"),
    # Nearer to 0 the distribution cannot be computed; the shares are 0 or 1 long before.
    "mix_alpha": (lambda x: x >= 1e-6, "at least 1e-6"),
    "auxiliary_weight": (lambda x: x >= 0, "at least 0"),
    "drop_path": (lambda x: 0 <= x < 1, "in [0, 1)"),
    "ema_decay": (lambda x: 0 < x < 1, "in (0, 1)"),
}

PROTOCOLS: Final[dict[str, TrainingConfig]] = {
    "search": TrainingConfig(),
    "evaluation": TrainingConfig(epochs=600, mix="cutmix", auxiliary_weight=0.4, drop_path=0.2),
    "evaluation+": TrainingConfig(
        epochs=1500, mix="cutmix", auxiliary_weight=0.4, drop_path=0.2, auto_augment=True
    ),
}
"""The paper's protocols (Appendix A.2): its search, ANASOD-BO, and ANASOD-BO+ in Table 4.

ANASOD-BO with Mixup instead of CutMix is ``protocol("evaluation", mix="mixup")``.
"""


def protocol(name: str, **options: Any) -> TrainingConfig:
    """One of the paper's protocols, with other values where they are given.

    Args:
        name: ``"search"``, ``"evaluation"`` or ``"evaluation+"``.
        **options: Arguments of :class:`TrainingConfig`.

    Raises:
        UnknownNameError: There is no such protocol or option.
        OptionError: A number is out of its range.
    """
    if name not in PROTOCOLS:
        raise UnknownNameError("training protocol", name, PROTOCOLS)
    return PROTOCOLS[name].with_options(**options)
