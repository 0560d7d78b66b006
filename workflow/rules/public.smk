# The public data sets that the study names: their files, and what is published of them.
from syncohort.resources.registry import datasets
from syncohort.resources.registry import remote_file


def public_genotypes():
    """The public data set that the genotypes are, None for the user's or the demo's."""
    return None if DEMO else dataset_of(STUDY.input.path, RESOURCES)


def files_of(dataset, chrom):
    """Where the files of a chromosome of a public data set lie."""
    return [f"{RESOURCES}/{dataset.name}/{name}" for name in dataset.names(chrom)]


def resource_files():
    """Where the files of all public data sets lie that the study names."""

    def named(settings):
        if isinstance(settings, dict):
            settings = list(settings.values())
        if isinstance(settings, list):
            return [each for part in settings for each in named(part)]
        found = isinstance(settings, str) and dataset_of(settings, RESOURCES)
        return [found] if found else []

    found = named(STUDY.model_dump(mode="json"))
    return sorted(
        {file for each in found for chrom in CHROMS for file in files_of(each, chrom)}
    )


def named_resources(wildcards):
    """The same files, at least one: whoever asks for them alone wants them."""
    files = resource_files()
    if not files:
        raise WorkflowError(
            f"The study {STUDY.cohort} names no public data (resource:NAME), so that there is nothing "
            "to fetch. Give the study's own file: --configfile config/1kg.yaml"
        )
    return files


def remote_of(wildcards):
    """What is published of the file that wildcards name; plain values, as parameters are."""
    from dataclasses import asdict

    return asdict(remote_file(wildcards.dataset, wildcards.file))


def published(files):
    """The names of those of these files that are public, and the checksums published of them."""
    own = [file for file in dict.fromkeys(files) if dataset_of(file, RESOURCES)]
    parts = [Path(file).parts[-2:] for file in own]
    return [
        (name, remote_file(dataset, name).checksum or "") for dataset, name in parts
    ]
