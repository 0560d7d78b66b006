"""Baselines: the generators that any other one has to beat, or to be distinguished from."""
