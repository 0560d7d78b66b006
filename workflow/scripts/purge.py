"""Remove what must not leave, and keep the release, the report and a list of what was removed."""

from pathlib import Path

import pandas as pd

from syncohort.job import job
from syncohort.synthesis.released import purge
from syncohort.synthesis.stays_inside import KEPT

with job(snakemake):
    results = Path(snakemake.params.results)
    removed = pd.DataFrame(purge(results, KEPT), columns=["file", "bytes"])
    removed.to_csv(results / "purged.tsv", sep="\t", index=False)
    total = removed["bytes"].sum() / 1e6
    print(f"{results}: {len(removed):,} files removed ({total:,.0f} MB), listed in purged.tsv")
    print(f"kept: {', '.join(KEPT)}")
