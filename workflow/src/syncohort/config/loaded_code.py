"""Modules that jobs import by the name of a kind, which no import statement shows.

Networks, representations and generators are loaded by kind, so that a job loads, and its digest
holds (see `code_digest`), those that the configuration names and no other.
"""

_GENERATORS = {
    "diffusion": "syncohort.diffusion.model",
    "block_gaussian": "syncohort.baselines.block_gaussian",
    "wgan": "syncohort.baselines.wgan",
}


def denoiser_module(kind: str) -> str:
    """The module of a denoising network."""
    return f"syncohort.diffusion.denoisers.{kind}"


def representation_module(kind: str) -> str:
    """The module of a fitted representation."""
    return f"syncohort.representations.{kind}"


def generator_modules(generator: dict) -> list[str]:
    """The modules that read and sample a fitted generator of latents; generator: its section."""
    modules = [_GENERATORS[generator["kind"]]]
    if generator["kind"] == "diffusion":
        modules.append(denoiser_module(generator["denoiser"]["kind"]))
    return modules
