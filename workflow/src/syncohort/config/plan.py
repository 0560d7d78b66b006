"""What a study asks to be made: its generators by what is done with them, all plain look-ups.

The rules read it; it knows no file and no wildcard.
"""

from functools import cached_property

from syncohort.config.allele_generators import REAL_HAPLOTYPES, MosaicGenerator
from syncohort.config.generator_names import (
    VALIDATION,
    curve_name,
    drawn_name,
    guided_name,
    replicate_name,
)
from syncohort.config.study import Config, is_guidable

ALLELE_KINDS = ("independent", "bootstrap", "mosaic", "reshuffle", "hidden_chow_liu", VALIDATION)
QUICK_KINDS = ("block_gaussian", "wgan")  # models of latents that learn in seconds to minutes
BOTTLENECK_KINDS = ("mlp", "cnn", "mlp_cnn")  # the paper's networks with a narrowest layer


class Plan:
    """Names and settings of a study's generators.

    study: the checked configuration.
    """

    def __init__(self, study: Config):
        self._study = study

    @cached_property
    def generators(self) -> list[str]:
        """The released ones."""
        return list(self._study.generators)

    @cached_property
    def copies(self) -> dict[str, str]:
        """Released ones made of real haplotypes, by leave of `release_real_haplotypes` -> kind."""
        kinds = {name: each.kind for name, each in self._study.generators.items()}
        return {name: kind for name, kind in kinds.items() if kind in REAL_HAPLOTYPES}

    @cached_property
    def calibration(self) -> list[str]:
        """Those measured beside them to compare with."""
        return [VALIDATION, *self._study.evaluation.calibration]

    @cached_property
    def calibration_of(self) -> dict[str, str]:
        """Kind -> the first generator of it among the calibration."""
        return {self.settings[name]["kind"]: name for name in reversed(self.calibration)}

    @cached_property
    def curve(self) -> dict[str, float]:
        """Mosaics of the curve of leakage -> their effective size."""
        return {curve_name(size): size for size in self._study.evaluation.mosaic_curve}

    @cached_property
    def mosaics(self) -> dict[str, float]:
        """All mosaics that are measured -> their effective size."""
        names = [*self.calibration, *self.curve]
        kinds = {name: self.settings[name] for name in names}
        return {
            name: each["effective_size"] for name, each in kinds.items() if each["kind"] == "mosaic"
        }

    @cached_property
    def diffusion(self) -> list[str]:
        """Released diffusion models."""
        kinds = {name: each.kind for name, each in self._study.generators.items()}
        return [name for name, kind in kinds.items() if kind == "diffusion"]

    @cached_property
    def pretrained(self) -> list[str]:
        """Released diffusion models that are trained on other people first."""
        return list(filter(self._study.is_pretrained, self.generators))

    @cached_property
    def replicates(self) -> dict[str, str]:
        """Further trainings of a released model -> the model."""
        indices = range(2, self._study.evaluation.replicates + 1)
        return {replicate_name(name, index): name for name in self.diffusion for index in indices}

    @cached_property
    def guided(self) -> dict[str, tuple[str, float]]:
        """Released models sampled at other guidance scales -> the model and the scale."""
        points = {}
        for name in filter(lambda each: is_guidable(self._study.generators[each]), self.diffusion):
            own = self._study.generators[name].sampling.guidance_scale
            scales = [scale for scale in self._study.evaluation.guidance_curve if scale != own]
            points |= {guided_name(name, scale): (name, scale) for scale in scales}
        return points

    @cached_property
    def guidance_scales(self) -> dict[str, float]:
        """Generator -> guidance scale, of every point of the curves."""
        names = [*dict.fromkeys(name for name, _ in self.guided.values()), *self.guided]
        return {name: self.settings[name]["sampling"]["guidance_scale"] for name in names}

    @cached_property
    def drawn(self) -> dict[str, str]:
        """Released generators with the people whom their release leaves out -> the generator."""
        withheld = self._study.release.withhold > 0
        return {drawn_name(name): name for name in self.generators if withheld}

    @cached_property
    def evaluated(self) -> list[str]:
        """All but the curves and those with people who are withheld."""
        return [*self.generators, *self.replicates, *self.calibration]

    @cached_property
    def measured(self) -> list[str]:
        """All whose fidelity and leakage are measured."""
        return [*self.evaluated, *self.curve, *self.drawn]

    @cached_property
    def panels(self) -> list[str]:
        """Those that holdout people are imputed from, real people first; none unless asked for."""
        if not self._study.evaluation.imputation:
            return []
        beside = [
            name
            for name in self._study.evaluation.calibration
            if self.settings[name]["kind"] != "bootstrap"
        ]
        return ["real", *self.generators, *beside]

    @cached_property
    def settings(self) -> dict[str, dict]:
        """Generator -> its section of the configuration, plain values."""
        study = self._study
        is_trait = bool(study.labels.case_label or study.labels.cuts)
        own = {name: _section(each, is_trait) for name, each in study.generators.items()}
        beside = study.evaluation.calibration.items()
        return {
            **own,
            VALIDATION: {"kind": VALIDATION},
            **{name: _section(generator, is_trait) for name, generator in beside},
            **{name: self._mosaic(size) for name, size in self.curve.items()},
            **{key: own[name] for key, name in (self.replicates | self.drawn).items()},
            **{key: _at_scale(own[name], scale) for key, (name, scale) in self.guided.items()},
        }

    def _mosaic(self, effective_size: float) -> dict:
        """A mosaic of the curve: the calibration's mosaic, if it has one, at another size."""
        calibration = self._study.evaluation.calibration.values()
        like = [each for each in calibration if each.kind == "mosaic"]
        mosaic = like[0] if like else MosaicGenerator()
        return _section(mosaic, is_trait=False) | {"effective_size": effective_size}

    @cached_property
    def allele_generators(self) -> list[str]:
        """Those that draw alleles of training people, without a representation."""
        return [name for name in self.measured if self.settings[name]["kind"] in ALLELE_KINDS]

    @cached_property
    def shadowed(self) -> list[str]:
        """Those that are attacked with shadow models."""
        if not self._study.evaluation.shadow_models:
            return []
        latent = filter(self._has_shadows, self.latent_generators)
        own = {*self.allele_generators, *latent} - {VALIDATION}
        return [name for name in self.evaluated if name in own]

    def _has_shadows(self, name: str) -> bool:
        """Whether shadow models of a model of latents are learned."""
        if self._study.generators[name].kind in QUICK_KINDS:
            return self._study.has_gene_pca(name)
        return self._study.evaluation.shadow_networks and self._study.can_have_shadows(name)

    def n_trainings(self, name: str) -> float:
        """How often a diffusion model is trained, in whole trainings: a shadow model is half of one."""
        evaluation = self._study.evaluation
        shadows = evaluation.shadow_models if name in self.shadowed else 0
        return evaluation.replicates + shadows / 2

    def is_recentred(self, generator: str) -> bool:
        """Whether the latents of a generator are brought to their labels' means before decoding."""
        sampling = self.settings[generator].get("sampling", {})
        return bool(sampling.get("centred")) and sampling["guidance_scale"] == 1

    @cached_property
    def with_likelihood(self) -> list[str]:
        """Those under which a person's likelihood is known."""
        return [name for name in self.evaluated if self.settings[name]["kind"] == "hidden_chow_liu"]

    @cached_property
    def latent_generators(self) -> list[str]:
        """Released ones that draw latents of a representation."""
        return [name for name in self.generators if name not in self.allele_generators]

    @cached_property
    def representations(self) -> list[str]:
        """Those that a released generator uses."""
        return sorted({self.settings[name]["representation"] for name in self.latent_generators})

    @cached_property
    def mixing(self) -> list[str]:
        """Models with the paper's figure 6, the weight of the CNN."""
        return [name for name in self.diffusion if self._denoiser(name) == "mlp_cnn"]

    @cached_property
    def bottlenecks(self) -> list[str]:
        """Models with the paper's figure 7, the narrowest layer."""
        return [name for name in self.diffusion if self._denoiser(name) in BOTTLENECK_KINDS]

    def _denoiser(self, name: str) -> str:
        return self.settings[name]["denoiser"]["kind"]

    @cached_property
    def per_chromosome(self) -> list[str]:
        """Models with a network for each chromosome, further trainings and scales among them."""
        return [name for name, each in self.settings.items() if each.get("per_chromosome")]

    @cached_property
    def dimensions(self) -> list[str]:
        """What is measured, by the parts of the report (`verdicts.metrics` has their names)."""
        labels = self._study.labels
        return [
            "singling_out",
            "linkability",
            "inference",
            *(["model"] if self.diffusion else []),
            "frequencies",
            "linkage",
            "individuals",
            "structure",
            "utility",
            *(["association"] if labels.case_label or labels.cuts else []),
        ]

    def trained_as(self, generator: str) -> str:
        """The generator whose model a generator is sampled from."""
        return self.guided.get(generator, (generator,))[0]


def _section(generator, is_trait: bool) -> dict:
    """A generator's section, without the leave to release it, which changes nothing of it, and with
    what follows from whether the labels are a trait."""
    section = generator.model_dump(exclude={"release_real_haplotypes"})
    decoding = section.get("decoding", {})
    if "label_z" in decoding and decoding["label_z"] is None:
        decoding["label_z"] = 0.0 if is_trait else 1.0
    return section


def _at_scale(settings: dict, scale: float) -> dict:
    """Settings of a model at another guidance scale."""
    return settings | {"sampling": settings["sampling"] | {"guidance_scale": scale}}
