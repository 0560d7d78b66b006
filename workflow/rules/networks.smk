# The networks of a generator: one for all chromosomes, or one for each, and their files.


def networks_of(generator):
    """The parts of the genome that a generator has a network for: chromosomes, or "all"."""
    return CHROMS if generator in PLAN.per_chromosome else ["all"]


def network_of_chrom(wildcards):
    """The part of the genome whose network draws a chromosome."""
    chrom, parts = wildcards.chrom, networks_of(wildcards.generator)
    return chrom if chrom in parts else "all"


def of_network(files):
    """Look-up of those of a generator's files by chromosome that the network of a part reads."""

    def chosen(wildcards):
        own = networks_of(wildcards.generator) != ["all"]
        found = files(wildcards)
        return [found[CHROMS.index(wildcards.part)]] if own else found

    return chosen


network_latents = of_network(representation_latents)
network_rows = of_network(representation_rows)
network_models = of_network(representation_models)


def panel_latents(wildcards):
    """The latents of the panel's people that a generator is trained on first, in genomic order."""
    return [
        path.replace("encode_people", "encode_panel")
        for path in representation_latents(wildcards)
    ]


def panel_rows(wildcards):
    """Whose the rows of these latents are."""
    return rows_beside(panel_latents(wildcards))


def pretraining_of(generator):
    """How a generator of this section is trained on public people, whom nobody protects."""
    own = {"epochs": generator["pretraining_epochs"], "membership_max": 1.0}
    return generator["training"] | own


def on_the_panel(generator):
    """What the check calls the training of a generator on public people."""
    return f"{generator} on the panel"


def pretrained_start(wildcards):
    """The network that the training of a generator begins with, if it was trained on other people."""
    name = PLAN.replicates.get(wildcards.generator, wildcards.generator)
    own = f"<results>/pretrain_diffusion/{name}/{wildcards.part}/checkpoint.safetensors"
    return own if name in PLAN.pretrained else []


def network_blocks(wildcards):
    """Where the gene blocks are that a network sees, when its sight is in base pairs."""
    if not generator_of(wildcards)["denoiser"].get("sight_kb"):
        return []
    name = generator_of(wildcards)["representation"]
    paths = [f"<results>/fit_gene_pca/{name}/{chrom}.blocks.tsv" for chrom in CHROMS]
    return of_network(lambda wildcards: paths)(wildcards)


def global_file(rule_name, file):
    """Look-up of a file of the global vector, for generators that have one."""

    def found(wildcards):
        name = trained_as(wildcards)
        own = name in PLAN.per_chromosome
        return f"<results>/{rule_name}/{name}/{file}" if own else []

    return found


def stage_of(rule_name, generator, part):
    """The name of a stage of one network, which decides its seed."""
    return (rule_name, generator) if part == "all" else (rule_name, generator, part)


def drawn_once(wildcards):
    """How a generator's network draws people, but for what it draws a second time."""
    return {
        key: value
        for key, value in drawn_twice(wildcards).items()
        if key != "refined_from"
    }


def drawn_twice(wildcards):
    """How a generator's network draws people; whose haplotypes are paired says an input."""
    sampling = generator_of(wildcards).get("sampling", {})
    return {key: value for key, value in sampling.items() if key != "paired"}


def shards_of_chrom(rule_name):
    """Look-up of the shards of latents that a rule draws a chromosome's people in."""

    def shards(wildcards):
        part = network_of_chrom(wildcards)
        folder = f"<results>/{rule_name}/{wildcards.generator}/{part}"
        return [f"{folder}/{shard}.npy" for shard in SHARDS]

    return shards


first_latents = shards_of_chrom("sample_latents")


def final_latents(wildcards):
    """The shards of latents that a chromosome is decoded from."""
    return shards_of_chrom(drawing_rules(wildcards.generator)[-1])(wildcards)


def drawing_rules(generator):
    """The rules that draw the latents of a generator, in their order."""
    twice = SETTINGS[generator].get("sampling", {}).get("refined_from")
    return ["sample_latents", *(["refine_latents"] if twice else [])]


def drafts_of_network(wildcards):
    """The genotypes that the people of a network are drawn a second time from, in genomic order."""
    part = wildcards.part
    chroms = CHROMS if part == "all" else [part]
    folder = f"<results>/draft_cohort/{wildcards.generator}"
    return [f"{folder}/{chrom}.zarr.zip" for chrom in chroms]


def decoding_models(wildcards):
    """The models of all that a chromosome's latents hold."""
    models = representation_models(wildcards)
    own = network_of_chrom(wildcards)
    return models if own == "all" else [models[CHROMS.index(own)]]


def trainings_of(generator):
    """The rules that train the networks of a generator, in their order."""
    own = generator in PLAN.pretrained
    return [*(["pretrain_diffusion"] if own else []), "train_diffusion"]


def pretraining_losses(wildcards):
    """How the training of a generator on public people went, if there was one."""
    pattern = LOSSES.replace("train_diffusion", "pretrain_diffusion")
    own = wildcards.generator in PLAN.pretrained
    return every_network(pattern)(wildcards) if own else []


def every_network(pattern):
    """Look-up of the files of a pattern for all networks of a generator."""
    return lambda wildcards: [
        pattern.format(generator=wildcards.generator, part=part)
        for part in networks_of(wildcards.generator)
    ]


CHECKPOINT = "<results>/train_diffusion/{generator}/{part}/checkpoint.safetensors"
RESCALING = "<results>/fit_rescaling/{generator}/{part}.npz"
LOSSES = "<results>/train_diffusion/{generator}/{part}/losses.tsv"


def shadow_plans():
    """What the check needs to know of shadow models, where there are any."""
    number = STUDY.evaluation.shadow_models
    none_of = [name for name in GENERATORS if name not in PLAN.shadowed]
    wanted = {"number": number, "of": PLAN.shadowed, "none_of": none_of}
    return wanted if number else None


def training_plans():
    """What the check needs to know of the trainings of diffusion models and autoencoders, and what they may
    ask for."""
    sections = ("denoiser", "diffusion", "training")
    shape = {"kind", "shortening", "patch_snps", "latent_channels", "max_components"}
    models = {
        name: {
            "representation": STUDY.representations[
                SETTINGS[name]["representation"]
            ].model_dump(include=shape),
            **{section: SETTINGS[name][section] for section in sections},
            "per_chromosome": name in PLAN.per_chromosome,
            "global_axes": SETTINGS[name]["global_axes"],
        }
        for name in DIFFUSION
    }
    on_panel = {
        on_the_panel(name): models[name] | {"training": pretraining_of(SETTINGS[name])}
        for name in PLAN.pretrained
    }
    autoencoders = {
        name: STUDY.representations[name].model_dump(exclude={"kind"})
        for name in REPRESENTATIONS
        if STUDY.representations[name].kind == "snp_vae"
    }
    return {
        "models": models,
        "on_panel": on_panel,
        "autoencoders": autoencoders,
        "filters": {
            "maf_min": STUDY.filters.maf_min,
            "missing_max": STUDY.filters.variant_missing_max,
            "most": STUDY.selection.variants if SELECTED else None,
        },
        "max_snps": STUDY.genes.max_snps,
        "shares": {
            "mode": STUDY.mode,
            "train_share": TRAIN_SHARE,
            "validation_share": STUDY.split.validation,
        },
        # of diffusion models, and of autoencoders
        "compute": {"on_gpu": TRAINING_GPUS > 0, "threads": TRAINING_THREADS},
        "places": {"on_gpu": GPUS > 0, "threads": THREADS},
        "trainings": {
            **{name: PLAN.n_trainings(name) for name in PLAN.diffusion},
            **dict.fromkeys(on_panel, 1),
        },
        "limits": {
            "memory_mb": STUDY.compute.memory_mb,
            "training_hours": STUDY.compute.training_hours,
        },
    }
