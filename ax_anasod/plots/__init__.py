"""Pictures drawn with matplotlib, for every room that writes some, and the style they share.

In contrast to the interactive cards of :mod:`ax_anasod.analysis`, which plotly draws.
"""
