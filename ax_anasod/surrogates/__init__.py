"""BoTorch models and GPyTorch kernels; nothing here knows of Ax."""

from ax_anasod.surrogates.gp import EncodingGP

__all__ = ["EncodingGP"]
