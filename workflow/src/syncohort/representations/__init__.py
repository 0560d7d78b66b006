"""Representations: fitted, invertible maps between genotype rows and latents [R, G, K]."""
