"""The known proxies, and the size of the networks that they are computed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final

from annotated_types import Ge, Le

from ax_anasod.settings import Configuration, NonNegativeInt, checked

PROXIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "synflow": "log(1 + synaptic flow): Tanaka et al. (NeurIPS 2020), as a score of "
        "architectures Abdelfattah et al. (ICLR 2021)",
        "naswot": "log determinant of the kernel of activation patterns: Mellor et al. (ICML 2021)",
        "jacov": "how little the input gradients of images correlate: Mellor et al. (2020), "
        "Abdelfattah et al. (ICLR 2021)",
        "zico": "inverse coefficient of variation of gradients: Li et al. (ICLR 2023)",
        "swap": "number of sample-wise activation patterns: Peng et al. (ICLR 2024)",
        "parameters": "number of weights",
        "flops": "floating-point operations for an image",
    }
)
"""Name -> what it is, and its source. More is better where a proxy is right."""

SIZES: Final = ("parameters", "flops")
"""The proxies for which no network computes anything."""


@checked
@dataclass(frozen=True)
class ProxyConfig(Configuration):
    """The networks that proxies are computed on, and their images, which are noise.

    Args:
        seed: What first weights, images and labels are drawn from.
        channels: Channels of the operations before the first reduction.
        cells: Cells of a network.
        image_size: Height and width of the images in pixels.
        batch_size: How many images there are; two halves of them for zico.

    Raises:
        OptionError: A number is out of range.
    """

    seed: NonNegativeInt = 0
    channels: Annotated[int, Ge(1), Le(1000)] = 8
    cells: Annotated[int, Ge(3), Le(100)] = 3
    image_size: Annotated[int, Ge(4), Le(1024)] = 16
    batch_size: Annotated[int, Ge(4), Le(62)] = 16
