# Modules that a job loads by the name of a kind: part of its `code`.
from syncohort.config.loaded_code import denoiser_module
from syncohort.config.loaded_code import generator_modules
from syncohort.config.loaded_code import representation_module


def representation_code(wildcards):
    """Those of the representation a wildcard names."""
    return [representation_module(representation_of(wildcards).kind)]


def decoding_code(wildcards):
    """Those of the representation of the generator a wildcard names."""
    name = generator_of(wildcards)["representation"]
    return [representation_module(STUDY.representations[name].kind)]


def denoiser_code(wildcards):
    """Those of the network of the diffusion model a wildcard names."""
    return [denoiser_module(generator_of(wildcards)["denoiser"]["kind"])]


def sampling_code(wildcards):
    """Those of the fitted generator a wildcard names."""
    return generator_modules(generator_of(wildcards))


def refining_code(wildcards):
    """Those of a fitted generator and of its representation."""
    return sampling_code(wildcards) + decoding_code(wildcards)


def trained_code(wildcards):
    """Those of the networks of all diffusion models."""
    return [denoiser_module(SETTINGS[name]["denoiser"]["kind"]) for name in DIFFUSION]


def attack_code(wildcards):
    """Those of a diffusion model and of its representation."""
    return denoiser_code(wildcards) + decoding_code(wildcards)
