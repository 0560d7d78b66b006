"""The cohort of a shadow model of a generator that draws alleles, or trees of them."""

from functools import partial
from pathlib import Path

from syncohort.baselines.alleles import draw_alleles
from syncohort.baselines.hidden_chow_liu import fit_hidden_chow_liu
from syncohort.baselines.panel import Panel
from syncohort.cohort_store import CohortStore
from syncohort.genotypes import People
from syncohort.seeds import child_seed, stage_seed

_FIT = 1  # random stream beside that of the alleles


def draw_alleles_of(
    stores: list[CohortStore],
    folder: Path,
    *,
    people: People,
    kind: str,
    maps: list[str] | None,
    seed: int,
    **settings,
) -> list[CohortStore]:
    """Draw a cohort from the training people of stores, one for each chromosome.

    folder: where its files are written.
    people: ids and labels of the people to draw.
    kind, settings: the generator's, as `draw_alleles` and `fit_hidden_chow_liu` take them.
    maps: genetic map of each chromosome, for a kind that has one.
    """
    drawn = []
    for place, store in enumerate(stores):
        draw = partial(draw_alleles, store, people, kind=kind, seed=seed)
        path = folder / f"{place}.zarr.zip"
        if kind == "hidden_chow_liu":
            model = folder / f"{place}.npz"
            fit_seed = stage_seed(child_seed(seed, _FIT), store.contig)
            fit_hidden_chow_liu(store, Panel.of(store, people), model, seed=fit_seed, **settings)
            draw(path, model=model)
        else:
            draw(path, **settings | ({"recombination_map": maps[place]} if maps else {}))
        drawn.append(CohortStore(path))
    return drawn
