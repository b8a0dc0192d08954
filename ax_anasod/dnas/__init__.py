"""Differentiable search: a supernet whose operation distribution learns with its weights."""
