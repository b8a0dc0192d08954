"""Differentiable search: a supernet whose operation distribution learns with its weights.

Source: paper, Section 3.2 and Algorithm 1 (ANASOD-DNAS), and the methods that it is compared
with in Table 3. The names are loaded on first use: the command line looks for the files of a
search (:mod:`ax_anasod.dnas.result_files`) without torch.
"""

from ax_anasod.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__)
