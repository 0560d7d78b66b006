"""Layers that the networks of several rooms are made of."""
