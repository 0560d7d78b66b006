"""Attack a diffusion model itself: is its loss smaller on people it was trained on?"""

import numpy as np

from syncohort.cohort_store import CohortStore
from syncohort.diffusion.model import load_generator
from syncohort.evaluation.privacy.white_box import Network, attack_generator
from syncohort.files import file_fingerprints
from syncohort.global_vector.model import Projection, load_global_vector
from syncohort.job import job
from syncohort.representations import load_representation

with job(snakemake):
    found = snakemake.input
    stores = [CohortStore(path) for path in found.real]
    models = [load_representation(path) for path in found.models]
    several = len(found.checkpoints) > 1
    parts = [[place] for place in range(len(models))] if several else [range(len(models))]
    networks = (
        Network(
            load_generator(path, file_fingerprints([found.models[place] for place in part])),
            [stores[place] for place in part] if several else stores,
            [models[place] for place in part],
        )
        for path, part in zip(found.checkpoints, parts, strict=True)
    )
    projection = None
    if found.get("axes"):
        scale = load_global_vector(found.global_model).scale
        axes = np.load(found.axes, mmap_mode="r")
        projection = Projection(axes, np.load(found.offsets), scale)
    metrics, people = attack_generator(
        networks,
        stores,
        models,
        projection=projection,
        cohort=snakemake.params.cohort,
        name=snakemake.wildcards.generator,
        minimum_people=snakemake.params.minimum_people,
        max_people=snakemake.params.max_people,
        seed=snakemake.params.seed,
        device=snakemake.resources.device,
    )
    metrics.to_csv(snakemake.output.metrics, sep="\t", index=False)
    people.to_csv(snakemake.output.people, sep="\t", index=False)
