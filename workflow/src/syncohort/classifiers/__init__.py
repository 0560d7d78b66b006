"""Classifiers of the label, trained on real or on synthetic people."""
