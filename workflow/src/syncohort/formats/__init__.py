"""Genotype and annotation files: readers and writers, nothing else."""
