"""Cells as networks: images in, logits out; needs torch only.

`build_network` turns architectures of a cell into a `torch.nn.Module`, in the skeleton that a
`NetworkConfig` describes. The names are loaded on first use: the command line reads the fields
of a `NetworkConfig` without torch.
"""

from ax_anasod.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__)
