# What jobs ask for: memory, time, threads, GPUs.
from syncohort.config.requests import most_compared
from syncohort.config.requests import pairs_mb as request_of_pairs
from syncohort.config.requests import request_mb
from syncohort.config.requests import request_minutes
from syncohort.config.requests import risk_mb as request_of_risk
from syncohort.config.requests import simulation_mb as request_of_simulation
from syncohort.config.requests import training_mb as request_of_training

# On a cluster small jobs are grouped (rules name their `group`) and each takes the one turn of its
# group, so that a group asks for the memory of the largest and the time of all of them. Jobs have a
# turn to take by slurm/profile.yaml alone: elsewhere they run side by side.
workflow.register_resource("turn", 1)
workflow.resourcescope(turn="local")


def known_mb(files):
    """Size of a job's input files [MB].

    A genotype file that a group of jobs makes for itself is not there yet when the group asks: it
    counts as large as the largest that is.
    """
    sizes = {file: size_of(file) for file in files if os.path.exists(file)}
    stores = [size for file, size in sizes.items() if str(file).endswith(".zarr.zip")]
    missing = sum(
        str(file).endswith(".zarr.zip") for file in files if file not in sizes
    )
    return (sum(sizes.values()) + missing * max(stores, default=0)) / 1e6


def memory_of(kind):
    """What the jobs of a class of rules ask for, from the size of their input files: more each time
    they are tried again (retries: in the profile)."""
    return lambda wildcards, input, attempt: request_mb(
        kind, known_mb(input), STUDY.compute.memory_mb, attempt
    )


def minutes_of(kind):
    """How long they ask for, from the same."""
    return lambda wildcards, input, attempt: request_minutes(
        kind, known_mb(input), HEAVY_MINUTES, attempt
    )


light_mb = memory_of("table")
stream_mb = memory_of("stream")
heavy_mb = memory_of("cohort")


def compared_people():
    """Most people of a group that the attacks compare.

    The tables are no inputs, for no attack depends on them; they are there long before.
    """
    return most_compared(
        f"{FOLDER}/split_people/people.tsv",
        f"{FOLDER}/draw_labels/people.tsv",
        STUDY.evaluation.privacy_people,
    )


def pairs_mb(wildcards, input, attempt):
    """What the attacks ask for, which compare all pairs of people."""
    return request_of_pairs(
        compared_people(),
        2 if STUDY.mode == "haplotype" else 1,
        known_mb(input),
        STUDY.compute.memory_mb,
        attempt,
    )


def risk_mb(wildcards, input, attempt):
    """What the risk of each released person asks for."""
    return request_of_risk(
        compared_people(), known_mb(input), STUDY.compute.memory_mb, attempt
    )


# What all tries ask for of trainings that go on from a saved state. It may be the longest that a
# cluster allows.
TRAINING_MINUTES = round(STUDY.compute.training_hours * 60)
HEAVY_MINUTES = max(30, TRAINING_MINUTES // 4)


def minutes_of_tries(minutes):
    """What jobs ask for whose time their input does not say: as much more each time they are tried
    again, from the beginning."""
    return lambda wildcards, attempt: minutes * attempt


training_minutes = minutes_of_tries(TRAINING_MINUTES)
long_minutes = minutes_of_tries(HEAVY_MINUTES)
light_minutes = minutes_of("table")
stream_minutes = minutes_of("stream")
heavy_minutes = minutes_of("cohort")


def sequences_minutes(wildcards, input, attempt):
    """How long the sequences of a chromosome take: two minutes a person, beside what is read."""
    people = STUDY.release.fasta.people
    n_people = len(people) if isinstance(people, list) else people or HEAVY_MINUTES
    wanted = stream_minutes(wildcards, input, attempt) + 2 * n_people * attempt
    return min(wanted, HEAVY_MINUTES * attempt)


THREADS = STUDY.compute.threads
# From the real genotypes to the synthetic ones is the longest way through the run: where processors
# are few these rules come first, and the baselines' jobs fill what they leave.
LONGEST_FIRST = 50
# A resource, for where a job computes is no reason to run it again; parameters are.
DEVICE = STUDY.compute.device

# The training of a diffusion model has a process for each of its GPUs.
TRAINING_GPUS = 0 if DEVICE == "cpu" else STUDY.compute.gpus
GPUS = min(1, TRAINING_GPUS)
TRAINING_THREADS = THREADS * max(1, TRAINING_GPUS)


def training_mb(wildcards, input, attempt):
    """What the training of a diffusion model asks for, from the check's table and the latents.

    The table is no input, for another wish must not train again; it is there long before.
    """
    name = PLAN.replicates.get(wildcards.generator, wildcards.generator)
    return training_mb_of(name, wildcards, input, attempt)


def pretraining_mb(wildcards, input, attempt):
    """What the training on public people asks for, from the same."""
    name = on_the_panel(wildcards.generator)
    return training_mb_of(name, wildcards, input, attempt)


def training_mb_of(name, wildcards, input, attempt):
    """What the training asks for that the check's table calls so."""
    latents_mb = sum(Path(file).stat().st_size for file in input.latents) / 1e6
    own = estimated_training_mb(name, wildcards.part, latents_mb, attempt)
    return own * max(1, TRAINING_GPUS)


def estimated_training_mb(generator, part, latents_mb, attempt):
    """What the training of a network takes by the check's table; latents_mb: None where there are none yet."""
    estimates = f"{FOLDER}/check_cohort/estimates.tsv"
    return request_of_training(
        estimates, generator, part, latents_mb, STUDY.compute.memory_mb, attempt
    )


def autoencoder_mb(wildcards, input, attempt):
    """What the training of an autoencoder asks for, from the check's table."""
    return estimated_training_mb(wildcards.representation, "autoencoder", None, attempt)


def shadow_mb(wildcards, input, attempt):
    """What a shadow model of latents asks for: a network no less than its whole training takes."""
    own = heavy_mb(wildcards, input, attempt)
    if wildcards.generator not in PLAN.diffusion:
        return own
    return max(own, estimated_training_mb(wildcards.generator, "all", None, attempt))
