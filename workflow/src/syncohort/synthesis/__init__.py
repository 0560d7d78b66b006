"""Sampling latents and decoding them to genotypes."""
