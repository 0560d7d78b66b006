"""The configuration: every key with its type, unit, bounds and meaning.

`generated_files` writes the default YAML, the JSON schema and config/README.md from here. Every
job of a run imports this module: it imports neither torch nor anything else of the package but
its exception and the table of public data sets.
"""

import os
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from syncohort.config.allele_generators import REAL_HAPLOTYPES
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
from syncohort.config.generator_names import (
    curve_name,
    guided_name,
    reserved_problems,
    same_names,
)
from syncohort.config.generators import AnyGenerator, DiffusionGenerator
from syncohort.config.panels import Expansion, Pretraining
from syncohort.config.release import Release
from syncohort.config.representations import (
    REPRESENTATIONS,
    AnyRepresentation,
    with_representations,
)
from syncohort.config.sections import Name, Section, kind_of, sections_below, sections_of
from syncohort.config.yaml_files import is_of, with_spelling
from syncohort.errors import InputError
from syncohort.resources.registry import with_paths


class Config(Section):
    """One study: one cohort in, one or more synthetic cohorts out."""

    cohort: Name = Field("demo", description="Name of the study. Results go to results/NAME.")
    seed: int = Field(
        1,
        ge=0,
        lt=2**32,
        description="The seed of all random numbers: every job derives its own from it. Those of the split and of the synthetic people follow from the genotypes and labels, too: the seed is published with the release, and tells nothing without the data.",
    )
    mode: Literal["haplotype", "genotype"] = Field(
        "haplotype",
        description="`haplotype`: learns haplotypes, needs phased genotypes and gives better synthetic genomes; `genotype`: learns the dosages of people, phased or not.",
    )
    resources: str = Field(
        "resources/data",
        min_length=1,
        description="Folder of public data sets. Every file a study may name it may also name as `resource:NAME`, NAME as in resources/datasets.tsv: it is fetched into this folder if it is not there.",
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
        description="Ways to turn genotypes into latents, by name. Only those that a generator uses are fitted.",
    )
    phasing: Phasing = Phasing()
    pretraining: Pretraining = Pretraining()
    generators: dict[Name, AnyGenerator] = Field(
        {"genetic_diffusion": DiffusionGenerator()},
        min_length=1,
        description="Generators by names of your choice. Each makes a synthetic cohort of its own, and one report compares them.",
    )
    synthesis: Synthesis = Synthesis()
    release: Release = Release()
    expansion: Expansion = Expansion()
    evaluation: Evaluation = Evaluation()
    compute: Compute = Compute()

    @model_validator(mode="before")
    @classmethod
    def _data_sets_have_files(cls, values):
        if not isinstance(values, dict):
            return values
        folder = values.get("resources", cls.model_fields["resources"].default)
        return with_paths(values, os.path.expanduser(str(folder)).rstrip("/"))

    @model_validator(mode="after")
    def _parts_fit(self):
        problems = [
            *reserved_problems(self.generators, self.evaluation.calibration),
            *same_names("evaluation.mosaic_curve", self.evaluation.mosaic_curve, curve_name),
            *same_names(
                "evaluation.guidance_curve",
                self.evaluation.guidance_curve,
                lambda scale: guided_name(next(iter(self.generators)), scale),
            ),
        ]
        if problems:
            raise ValueError("; ".join(problems))
        for name, generator in self.generators.items():
            if getattr(generator, "representation", None) not in {None, *self.representations}:
                raise ValueError(
                    f"generators.{name}.representation is {generator.representation!r}, "
                    f"but `representations` has {', '.join(self.representations)}"
                )
            self._require_decoding(name, generator)
            self._require_gene_pca(name, generator)
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
                "genes.annotation is needed for your own data; without one, set genes.intergenic: "
                "own, which makes blocks of neighbouring SNPs"
            )
        if self.input.kind == "vcf" and not self.labels.table:
            raise ValueError("labels.table is needed: a VCF file has no labels")
        return self

    @model_validator(mode="after")
    def _only_the_demo_is_simulated(self):
        if self.input.kind != "demo" and self.demo != Demo():
            raise ValueError(
                f"demo is for the simulated cohort, and input.kind is {self.input.kind}, which reads "
                "files: leave the section `demo` out, or set input.kind: demo"
            )
        return self

    @model_validator(mode="after")
    def _sequences_have_a_reference(self):
        if "fasta" in self.release.export and not self.input.reference:
            raise ValueError(
                "release.export: fasta needs the reference genome of the cohort: set input.reference"
            )
        return self

    @model_validator(mode="after")
    def _frequencies_are_measured_alone(self):
        kinds = {each.kind for each in self.evaluation.calibration.values()}
        if self.release.public_frequencies and "independent" not in kinds:
            raise ValueError(
                "release.public_frequencies: true needs a generator of kind independent under "
                "evaluation.calibration: what is told beyond the frequencies is measured against it"
            )
        return self

    @model_validator(mode="after")
    def _haplotypes_can_be_imputed(self):
        wanted = {
            "expansion.panel": self.expansion.panel,
            "evaluation.imputation": self.evaluation.imputation,
        }
        asked = [key for key, value in wanted.items() if value]
        if asked and self.mode != "haplotype":
            raise ValueError(
                f"{' and '.join(asked)} needs mode: haplotype, for haplotypes are imputed, or are "
                "imputed from; leave the key out"
            )
        return self

    @model_validator(mode="after")
    def _pretraining_has_people_and_networks(self):
        own = [name for name in self.generators if self.is_pretrained(name)]
        if own and not self.pretraining.panel:
            raise ValueError(
                f"generators.{own[0]}.pretraining_epochs needs other people to train on: set "
                "pretraining.panel, or leave the key or the preset out"
            )
        if self.pretraining.panel and not own:
            raise ValueError(
                "pretraining.panel: no generator is trained on it: choose preset "
                "genetic_diffusion_pretrained for one, or set its pretraining_epochs"
            )
        return self

    @model_validator(mode="after")
    def _rare_variants_can_be_drawn(self):
        if self.release.rare.carriers_min is None:
            return self
        if self.mode != "haplotype":
            raise ValueError(
                "release.rare.carriers_min needs mode: haplotype, for rare variants are drawn given "
                "the haplotypes around them; leave the key out"
            )
        if self.filters.maf_min == 0:
            raise ValueError(
                "release.rare.carriers_min: with filters.maf_min: 0 no variant is too rare to be "
                "modelled; raise filters.maf_min, or leave the key out"
            )
        return self

    def _require_decoding(self, name: str, generator) -> None:
        """`argmax` and `sampled` need probabilities; common haplotypes need blocks of haplotypes."""
        if not hasattr(generator, "decoding"):
            return
        rule = generator.decoding.rule
        kind = self.representations[generator.representation].kind
        if rule in ("argmax", "sampled") and kind != "snp_vae":
            raise ValueError(
                f"generators.{name}.decoding.rule {rule} needs a representation of kind snp_vae; "
                f"{generator.representation} is a {kind}: use `matched` or `rounding`"
            )
        if generator.decoding.haplotype_carriers and (rule, kind) != ("matched", "gene_pca"):
            raise ValueError(
                f"generators.{name}.decoding.haplotype_carriers needs decoding.rule matched and a "
                f"representation of kind gene_pca; here they are {rule} and {kind}: leave the key out"
            )

    def _require_gene_pca(self, name: str, generator) -> None:
        """A network per chromosome needs latents per chromosome, a sight in base pairs blocks that lie
        somewhere."""
        denoiser = getattr(generator, "denoiser", None)
        wishes = {
            "per_chromosome": (
                getattr(generator, "per_chromosome", False),
                "latents of each chromosome",
                "leave per_chromosome out",
            ),
            "denoiser.sight_kb": (
                getattr(denoiser, "sight_kb", None),
                "blocks that lie in base pairs",
                "leave sight_kb out, and set denoiser.layers",
            ),
        }
        for key, (is_wished, what, advice) in wishes.items():
            if is_wished and not self.has_gene_pca(name):
                raise ValueError(
                    f"generators.{name}.{key} needs a representation of kind gene_pca, which has {what}; "
                    f"{generator.representation} is none: {advice}"
                )

    def _uses_genes(self) -> bool:
        """Whether a generator's representation is made of gene blocks."""
        return any(map(self.has_gene_pca, self.generators))

    def has_gene_pca(self, name: str) -> bool:
        """Whether a generator draws latents of a gene PCA."""
        own = getattr(self.generators[name], "representation", None)
        return own is not None and self.representations[own].kind == "gene_pca"

    def is_pretrained(self, name: str) -> bool:
        """Whether the network of a generator is trained on other people first."""
        return getattr(self.generators[name], "pretraining_epochs", None) is not None

    def can_have_shadows(self, name: str) -> bool:
        """Whether a generator is a diffusion model of a gene PCA with one network for all chromosomes, which is
        trained on the cohort alone."""
        own = self.generators[name]
        is_one = own.kind == "diffusion" and not own.per_chromosome and self.has_gene_pca(name)
        return is_one and not self.is_pretrained(name)

    @model_validator(mode="after")
    def _networks_have_shadows(self):
        if not self.evaluation.shadow_networks:
            return self
        if not self.evaluation.shadow_models:
            raise ValueError(
                "evaluation.shadow_networks needs evaluation.shadow_models, their number, for example 8"
            )
        if not any(map(self.can_have_shadows, self.generators)):
            raise ValueError(
                "evaluation.shadow_networks: no generator is a diffusion model with one network on a "
                "gene PCA, trained on the cohort alone, of which alone shadow models are made: leave the "
                "key out"
            )
        return self

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
                f"({released.pop():g}); name at least one other scale"
            )
        return self


def is_guidable(generator) -> bool:
    """Whether a generator can be sampled at other guidance scales than that it is released at."""
    return generator.kind == "diffusion" and generator.diffusion.label_dropout > 0


def parse_config(values: dict, typed: dict[tuple[str, ...], str] | None = None) -> Config:
    """Check a configuration as Snakemake read it from YAML.

    typed: how its files spell words and numbers, from `read_typed`; None where there are none.

    Raises:
        InputError: lists every problem with key, value and what is allowed.
    """
    typed = typed or {}
    try:
        return Config.model_validate(with_spelling(values, typed))
    except ValidationError as error:
        problems = list(dict.fromkeys(_problem(e, typed) for e in _plain(error.errors())))
        listed = "\n  - ".join(problems)
        raise InputError(
            f"The configuration has {len(problems)} problem(s):\n  - {listed}\n"
            "Every key is described in config/README.md."
        ) from None


# pydantic's marks of a key and of alternatives
_NO_KEYS = ("[key]", "str", "list[str]", "constrained-int")
# What pydantic says in words of its own.
_PLAIN = {
    "bool_parsing": "should be true or false",
    "bool_type": "should be true or false",
    "finite_number": "should be a finite number",
    "invalid_key": "keys are text; is it a comma in a number? 0.1 is written with a point",
    "dict_type": "should be a section, with keys below it",
    "float_parsing": "should be a number",
    "float_type": "should be a number",
    "int_from_float": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_type": "should be a whole number",
    "list_type": "should be a list, such as [a, b]",
    "model_attributes_type": "should be a section, with keys below it",
    "model_type": "should be a section, with keys below it",
    "too_short": "should have {min_length} or more entries",
    "too_long": "should have at most {max_length} entries",
    "string_pattern_mismatch": "should be letters, digits, - and _, a letter or digit first",
    "string_too_short": "should not be empty",
    "string_too_long": "should be at most {max_length} letters long",
}


def _plain(errors: list[dict]) -> list[dict]:
    """Errors without those of a text, a number or a list that say only that it is not the other."""

    def is_empty(error: dict) -> bool:
        branch = str(error["loc"][-1]) if error["loc"] else ""
        if isinstance(error["input"], list):
            return branch in ("str", "constrained-int")
        return branch.startswith("list[")

    return [error for error in errors if not is_empty(error)]


def _problem(error: dict, typed: dict) -> str:
    place, models = _locate([str(part) for part in error["loc"]])
    if error["type"] in ("string_type", "text_wanted"):
        return _text_problem([part for part in place if part not in _NO_KEYS], error, typed)
    key = ".".join(place) or "configuration"
    if error["type"] == "extra_forbidden":
        allowed = sorted({name for model in models for name in model.model_fields})
        return f"{key}: unknown key.{_hint(place[-1], allowed)} Allowed here: {', '.join(allowed)}."
    if error["type"].startswith("union_tag"):
        kinds = ", ".join(kind for kind in map(kind_of, models) if kind)
        return f"{key}: needs `kind`, one of {kinds}; found {error['input'].get('kind')!r}."
    plain = _PLAIN.get(error["type"], "").format_map(error.get("ctx", {}))
    message = plain or error["msg"].removeprefix("Value error, ")
    message = message.removeprefix("Input ")
    message = message.replace("greater than or equal to", "at least")
    message = message.replace("less than or equal to", "at most")
    if isinstance(error["input"], dict | Section):  # a whole section: its text says which key
        return f"{key}: {message}."
    return f"{key}: {message}; found {error['input']!r}."


def _text_problem(place: list[str], error: dict, typed: dict) -> str:
    """That a text is wanted where YAML read a truth value, a number or nothing."""
    value = error["input"]
    is_item = place[-1].isdigit()  # of a list; or a key that is no text, which pydantic counts
    key = ".".join(place[:-1] if is_item else place)
    if isinstance(value, list | dict):
        return f"{key}: should be text; found {value!r}."
    is_key = error["loc"][-1] == "[key]"
    at = (*place[:-1], str(value), "[key]") if is_key else tuple(place)
    spelling = getattr(value, "typed", typed.get(at))
    if spelling and is_of(value, spelling):
        return f"{key}: write '{spelling}' in quotes; YAML read {value!r}."
    if value is None or isinstance(value, bool):
        word = {True: "yes", False: "NO", None: "~"}[value]
        return f"{key}: should be text; YAML read {value!r}. Write it in quotes, such as '{word}'."
    return f"{key}: write '{value}' in quotes; YAML read {value!r}."


def _hint(name: str, allowed: list[str]) -> str:
    """What an unknown key may have been meant for."""
    elsewhere = sorted(
        {
            f"{key}.{name}"
            for key, section, _ in sections_below(Config)
            if name in section.model_fields
        }
    )
    if elsewhere:
        return f" It belongs to {' or '.join(elsewhere[:3])}."
    import difflib

    if "." in name:
        section, _, rest = name.partition(".")
        if section in allowed:
            return f" Write it as a section: `{section}: {{{rest.replace('.', ': {')}: ...}}`."
    near = difflib.get_close_matches(name, allowed, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _locate(loc: list[str]) -> tuple[list[str], list]:
    """The keys the user wrote, and the sections they may be of.

    pydantic's own place of an error holds the kind of a section, too, where there are several.
    """
    keys, models = [], [Config]
    for part in loc[:-1] if loc[-1:] and loc[-1] in _NO_KEYS else loc:
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
