"""The configuration: every key with its type, unit, bounds and meaning.

`generated_files` writes the default YAML, the JSON schema and the key table of config/README.md
from here. Imports neither torch nor anything else of the package but its exception.
"""

import difflib
import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from syncohort.config.cohort import (
    Demo,
    EveryVariant,
    Filters,
    Genes,
    Input,
    Labels,
    Phasing,
    Selection,
    Split,
    Trait,
)
from syncohort.config.evaluation import Compute, Evaluation, Synthesis
from syncohort.config.generators import (
    REAL_HAPLOTYPES,
    AnyGenerator,
    DiffusionGenerator,
)
from syncohort.config.representations import (
    REPRESENTATIONS,
    AnyRepresentation,
    with_representations,
)
from syncohort.config.sections import Name, Section, kind_of, sections_of
from syncohort.errors import InputError

RESERVED = ("real", "unseen", "train", "validation", "holdout", "synthetic")


class Config(Section):
    """One study: one cohort in, one or more synthetic cohorts out."""

    cohort: Name = Field("demo", description="Name of the study; results go to results/<cohort>.")
    seed: int = Field(
        1, ge=0, lt=2**32, description="The one seed; every stage derives its own from it."
    )
    mode: Literal["haplotype", "genotype"] = Field(
        "haplotype",
        description="`haplotype` needs phased genotypes and is the better one; `genotype` takes any.",
    )
    input: Input = Input()
    demo: Demo = Demo()
    trait: Trait | None = None
    labels: Labels = Labels()
    filters: Filters = Filters()
    split: Split = Split()
    selection: Selection = EveryVariant()
    genes: Genes = Genes()
    representations: Annotated[
        dict[Name, AnyRepresentation], BeforeValidator(with_representations)
    ] = Field(
        REPRESENTATIONS,
        description="Representations by name; only those that a generator uses are made.",
    )
    phasing: Phasing = Phasing()
    generators: dict[Name, AnyGenerator] = Field(
        {"genetic_diffusion": DiffusionGenerator()},
        min_length=1,
        description="Generators by name; each gets its own synthetic cohort. `preset` starts from a named recipe.",
    )
    synthesis: Synthesis = Synthesis()
    evaluation: Evaluation = Evaluation()
    compute: Compute = Compute()

    @model_validator(mode="after")
    def _parts_fit(self):
        calibration = self.evaluation.calibration
        for name in (*self.generators, *calibration):
            if name in RESERVED:
                raise ValueError(
                    f"a generator cannot be called {name}: the report uses that word itself"
                )
        twice = sorted(set(self.generators) & set(calibration))
        if twice:
            raise ValueError(
                f"{', '.join(twice)}: a name of both `generators` and `evaluation.calibration`; "
                "rename one"
            )
        further = re.compile(rf"({'|'.join(self.generators)})_(seed\d+|g\d+)")
        for name in filter(further.fullmatch, (*self.generators, *calibration)):
            raise ValueError(
                f"a generator cannot be called {name}: further trainings and guidance scales of "
                "another are named so; rename it"
            )
        for name, generator in self.generators.items():
            if getattr(generator, "representation", None) not in {None, *self.representations}:
                raise ValueError(
                    f"generators.{name}.representation is {generator.representation!r}, "
                    f"but `representations` has {', '.join(self.representations)}"
                )
            self._require_probabilities(name, generator)
            if generator.kind in REAL_HAPLOTYPES and not generator.release_real_haplotypes:
                raise ValueError(
                    f"generators.{name} is of kind {generator.kind}, whose people are made of "
                    "haplotypes of real people: a release of it hands on real genotypes. To "
                    "measure it beside others, put it under evaluation.calibration; to release "
                    f"it all the same, say generators.{name}.release_real_haplotypes: true"
                )
        if (
            self.input.kind != "demo"
            and self._uses_genes()
            and not self.genes.annotation
            and self.genes.intergenic != "own"
        ):
            raise ValueError(
                "genes.annotation is needed for your own data (or genes.intergenic: own, which needs none)"
            )
        if self.input.kind == "vcf" and not self.labels.table:
            raise ValueError("labels.table is needed: a VCF holds no labels")
        return self

    def _require_probabilities(self, name: str, generator) -> None:
        """Some decoding rules need a representation that gives probabilities."""
        if not hasattr(generator, "decoding"):
            return
        rule = generator.decoding.rule
        kind = self.representations[generator.representation].kind
        if rule in ("argmax", "sampled") and kind != "snp_vae":
            raise ValueError(
                f"generators.{name}.decoding.rule {rule} needs a representation of kind snp_vae; "
                f"{generator.representation} is a {kind}: use matched or rounding"
            )

    def _uses_genes(self) -> bool:
        """Whether a generator's representation is made of gene blocks."""
        names = {getattr(each, "representation", None) for each in self.generators.values()}
        return any(self.representations[name].kind == "gene_pca" for name in names - {None})

    @model_validator(mode="after")
    def _guidance_can_be_measured(self):
        if not self.evaluation.guidance_curve:
            return self
        if self.labels.case_label is None and not self.labels.cuts:
            raise ValueError(
                "evaluation.guidance_curve compares effects on the label: it needs "
                "labels.case_label or labels.cuts"
            )
        released = {
            generator.sampling.guidance_scale
            for generator in self.generators.values()
            if is_guidable(generator)
        }
        if not released:
            raise ValueError(
                "evaluation.guidance_curve needs a diffusion model with diffusion.label_dropout "
                "above 0 among `generators`"
            )
        if len(released | set(self.evaluation.guidance_curve)) == 1:
            raise ValueError(
                "evaluation.guidance_curve names only the scale the models are released at "
                f"({released.pop():g}); a curve needs others beside it"
            )
        return self


def is_guidable(generator) -> bool:
    """Whether a generator can be sampled at other guidance scales than that it is released at."""
    return generator.kind == "diffusion" and generator.diffusion.label_dropout > 0


def parse_config(values: dict) -> Config:
    """Check a configuration as Snakemake read it from YAML.

    Raises:
        InputError: lists every problem with key, value and what is allowed.
    """
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        problems = "\n  - ".join(_problem(e) for e in error.errors())
        raise InputError(
            f"The configuration cannot be used ({error.error_count()} problem(s)):\n  - {problems}\n"
            "Every key is described in config/README.md."
        ) from None


def _problem(error: dict) -> str:
    place, models = _locate([str(part) for part in error["loc"]])
    key = ".".join(place) or "configuration"
    if error["type"] == "extra_forbidden":
        allowed = sorted({name for model in models for name in model.model_fields})
        near = difflib.get_close_matches(place[-1], allowed, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return f"{key}: unknown key.{hint} Allowed here: {', '.join(allowed)}."
    if error["type"].startswith("union_tag"):
        kinds = ", ".join(kind for kind in map(kind_of, models) if kind)
        return f"{key}: needs `kind`, one of {kinds}; found {error['input'].get('kind')!r}."
    message = error["msg"].removeprefix("Value error, ")
    if isinstance(error["input"], dict | Section):  # a whole section: its text says which key
        return f"{key}: {message}."
    return f"{key}: {message}; found {error['input']!r}."


def _locate(loc: list[str]) -> tuple[list[str], list]:
    """The keys the user wrote, and the sections they may be of.

    pydantic's own place of an error holds the kind of a section, too, where there are several.
    """
    keys, models = [], [Config]
    for part in loc:
        chosen = [model for model in models if kind_of(model) == part]
        if chosen and len(models) > 1:
            models = chosen
        else:
            keys.append(part)
            models = _sections_below(models, part)
    return keys, models


def _sections_below(models: list, part: str) -> list:
    """The sections that key `part` of sections holds; a name of a named section changes nothing."""
    fields = [model.model_fields[part] for model in models if part in model.model_fields]
    return [section for field in fields for section in sections_of(field)] if fields else models
