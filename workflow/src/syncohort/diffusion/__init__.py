"""Diffusion: noise schedule, forward process and target, guidance, samplers; no networks.

Time t runs from 0 (data) to T (noise), as in the papers; `alpha_bar[t]` is indexed by it.
"""
