"""Statistics of genotypes, ours and those of plink2 and plink1.9, on the same people.

Results are written beside the data, as the programs write theirs, and read back to be compared.

Axes: V variants, S people, M pairs of variants.
"""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
from genotype_data import random_study, write_stores
from real_programs import Line

from syncohort.association.clumping import clump
from syncohort.association.correlation import LabelledCalls
from syncohort.association.scan import scan_variants, write_scan
from syncohort.cohort.filters import filter_variants
from syncohort.cohort.hardy_weinberg import smallest_p_values
from syncohort.cohort_store import CohortStore
from syncohort.dosages import minor, read_dosages
from syncohort.evaluation.kinship import kinship
from syncohort.evaluation.pair_counts import PairCounts
from syncohort.evaluation.privacy.neighbours import distances_of, nearest_of
from syncohort.formats.plink import write_plink
from syncohort.genotypes import slices
from syncohort.packed_calls import PackedCalls, masks

LIMITS = {"maf_min": 0.01, "variant_missing_max": 0.1, "hwe_p_min": 1e-6}
LD_KB, LD_MAF, LD_SHOWN = 200, 0.05, 0.9
CLUMP_R2, CLUMP_KB = 0.1, 250


def prepare(
    folder: Path, n_people: int, n_variants: int, vcf: Path | None, repeats: int = 1
) -> None:
    """Write a cohort as a store, PLINK and PGEN files, and a study; see `write_stores`."""
    write_stores(folder, n_people, n_variants, vcf, repeats)
    for place in (folder, folder / "few"):
        np.savez(place / "study.npz", **random_study(CohortStore(place / "cohort.zip")))
    store, study = CohortStore(folder / "cohort.zip"), np.load(folder / "study.npz")
    write_plink([store], folder / "k")
    ids = pd.DataFrame({"#FID": store.people.id, "IID": store.people.id})
    traits = ids.assign(Q=study["phenotype"], B=1 + (study["phenotype"] > 0.4))
    traits.to_csv(folder / "traits.txt", sep="\t", index=False)
    names = [f"c{k}" for k in range(study["covariates"].shape[1])]
    ids.join(pd.DataFrame(study["covariates"], columns=names)).to_csv(
        folder / "covariates.txt", sep="\t", index=False
    )
    bim = pd.read_csv(folder / "k.bim", sep="\t", header=None)
    pd.DataFrame({"SNP": bim[1], "P": study["p"]}).to_csv(folder / "p.txt", sep="\t", index=False)
    if shutil.which("plink2"):
        command = ["plink2", "--bfile", "k", "--make-pgen", "--out", "k"]
        subprocess.run(command, cwd=folder, capture_output=True, check=True)


def _everybody(store: CohortStore) -> np.ndarray:
    return np.arange(len(store.people))


def _counts(store: CohortStore):
    everybody = masks(np.ones((1, len(store.people)), dtype=bool))
    for part in store.variant_slices():
        yield PackedCalls.of_bits(store.read_bits(part), len(store.people)).count(everybody)


def frequencies(folder: Path) -> None:
    store = CohortStore(folder / "cohort.zip")
    columns = [(c.alt / c.alleles, 1 - c.called / len(store.people)) for c in _counts(store)]
    np.save(folder / "frequencies.npy", np.concatenate(columns, axis=1)[..., 0])


def hardy_weinberg(folder: Path) -> None:
    p = [smallest_p_values(counts) for counts in _counts(CohortStore(folder / "cohort.zip"))]
    np.save(folder / "hwe.npy", np.concatenate(p))


def filtered(folder: Path) -> None:
    store = CohortStore(folder / "cohort.zip")
    outputs = folder / "kept.zip", folder / "kept.json"
    filter_variants(store, store.people, None, *outputs, **LIMITS)


def linkage(folder: Path) -> None:
    store = CohortStore(folder / "cohort.zip")
    frequency = np.concatenate([(c.alt / c.alleles)[:, 0] for c in _counts(store)])
    common = np.flatnonzero(minor(frequency) >= LD_MAF)
    calls = LabelledCalls.read(store, _everybody(store), [len(store.people)], common, "genotype")
    at = store.variants.position_bp[common]
    stop = np.searchsorted(at, at + 1000 * LD_KB, side="right")
    found, n_pairs = [], 0
    for part in slices(len(common), 256):
        index = np.arange(part.start, part.stop)
        first = np.repeat(index, stop[part] - index - 1)
        second = np.concatenate([np.arange(i + 1, stop[i]) for i in index])
        product, own, other = calls.pair_sums(first, second)
        r2 = (product**2 / np.maximum(own * other, 1e-9))[:, 0]
        shown = r2 >= LD_SHOWN
        found.append((common[first[shown]], common[second[shown]], r2[shown]))
        n_pairs += len(first)
    columns = map(np.concatenate, zip(*found, strict=True))
    np.savez(folder / "ld.npz", **dict(zip("ijr", columns, strict=True)), n_pairs=n_pairs)


def _scan(folder: Path, model: str) -> None:
    store, study = CohortStore(folder / "cohort.zip"), np.load(folder / "study.npz")
    y = study["phenotype"] if model == "linear" else study["phenotype"] > 0.4
    table = scan_variants([store], _everybody(store), y, study["covariates"], model=model)
    write_scan(table, folder / f"{model}.tsv")


def linear(folder: Path) -> None:
    _scan(folder, "linear")


def logistic(folder: Path) -> None:
    _scan(folder, "logistic")


def _pair_counts(folder: Path) -> PairCounts:
    store = CohortStore(folder / "cohort.zip")
    return PairCounts.within(read_dosages([store], _everybody(store)))


def king(folder: Path) -> None:
    np.save(folder / "king.npy", kinship(_pair_counts(folder)))


def nearest(folder: Path) -> None:
    distances = distances_of(_pair_counts(folder), "l1")
    found = nearest_of(distances, self_index=np.arange(len(distances)))
    np.save(folder / "nearest.npy", found.distance[:, 0])


def clumped(folder: Path) -> None:
    store, p = CohortStore(folder / "cohort.zip"), np.load(folder / "study.npz")["p"]
    np.save(
        folder / "leads.npy", clump(store, _everybody(store), p, p1=1, r2=CLUMP_R2, kb=CLUMP_KB)
    )


def _within(difference: float, tolerance: float, what: str) -> str:
    assert difference <= tolerance, f"{what} differ by {difference:.3g}, more than {tolerance:g}"
    return f"{what}: {difference:.1e} at most"


def _compare_frequencies(folder: Path) -> str:
    ours = np.load(folder / "frequencies.npy")
    theirs = pd.read_csv(folder / "o.afreq", sep="\t")["ALT_FREQS"]
    missing = pd.read_csv(folder / "o.vmiss", sep="\t")["F_MISS"]
    np.testing.assert_allclose(ours[1], missing, atol=1e-6)
    return _within(np.abs(ours[0] - theirs).max(), 1e-6, "frequencies")


def _compare_hwe(folder: Path) -> str:
    theirs = pd.read_csv(folder / "o.hardy", sep="\t")["P"].to_numpy()
    return _within(np.abs(np.load(folder / "hwe.npy") - theirs).max(), 2e-6, "p")


def _compare_filtered(folder: Path) -> str:
    ours = CohortStore(folder / "kept.zip").variants.position_bp
    theirs = pd.read_csv(folder / "o.pvar", sep="\t", comment="#", header=None)[1]
    assert ours.tolist() == theirs.tolist(), f"{len(ours)} variants kept, {len(theirs)} by plink2"
    return f"the same {len(ours):,} variants"


def _compare_linkage(folder: Path) -> str:
    ours = np.load(folder / "ld.npz")
    theirs = pd.read_csv(folder / "o.ld", sep=r"\s+")
    at = CohortStore(folder / "cohort.zip").variants.position_bp
    index = pd.MultiIndex.from_arrays([at[ours["i"]], at[ours["j"]]])
    own = pd.Series(ours["r"], index).groupby(level=[0, 1]).max()
    both = theirs.set_index(["BP_A", "BP_B"])["R2"].groupby(level=[0, 1]).max()
    assert len(own) == len(both), f"{len(own)} pairs, {len(both)} by plink1.9"
    worst = np.abs(own.sort_index() - both.sort_index()).max()
    return f"{_within(worst, 2e-5, 'r2')}, of {int(ours['n_pairs']):,} pairs"


def _compare_scan(folder: Path, model: str, name: str) -> str:
    ours = pd.read_csv(folder / f"{model}.tsv", sep="\t")
    theirs = pd.read_csv(folder / f"o.{name}", sep="\t")["P"]
    fitted = theirs.notna() & (ours["test"] != "score")
    assert fitted.mean() > 0.9 and theirs[ours["test"] == "score"].isna().mean() in (1, np.nan)
    own, other = np.log10(ours["p"][fitted]), np.log10(theirs[fitted])
    # plink2 is in single precision, which shows where p is small
    worst = (np.abs(own - other) / np.maximum(np.abs(other), 1)).max()
    return _within(worst, 1e-4, "log10 p, or its share where below -1")


def _compare_linear(folder: Path) -> str:
    return _compare_scan(folder, "linear", "Q.glm.linear")


def _compare_logistic(folder: Path) -> str:
    return _compare_scan(folder, "logistic", "B.glm.logistic")


def _compare_king(folder: Path) -> str:
    ours = np.load(folder / "king.npy")
    pairs = np.tril_indices(len(ours), -1)
    theirs = np.fromfile(folder / "o.king.bin", np.float32)
    return _within(np.abs(ours[pairs] - theirs).max(), 5e-5, "kinship")


def _compare_nearest(folder: Path) -> str:
    store = CohortStore(folder / "cohort.zip")
    theirs = np.fromfile(folder / "o.dist.bin", np.float64).reshape([len(store.people)] * 2)
    np.fill_diagonal(theirs, np.inf)
    theirs = theirs.min(axis=1) / len(store.variants)
    return _within(np.abs(np.load(folder / "nearest.npy") - theirs).max(), 1e-6, "distances")


def _compare_clumped(folder: Path) -> str:
    """plink takes r2 from estimated haplotypes, we from dosages."""
    ids = CohortStore(folder / "cohort.zip").variants.id
    ours = set(ids[np.load(folder / "leads.npy")])
    theirs = set(pd.read_csv(folder / "o.clumped", sep=r"\s+")["SNP"])
    shared = len(ours & theirs) / len(ours | theirs)
    assert shared > 0.7, f"only {shared:.0%} of leads are shared"
    return f"{shared:.0%} of {len(ours):,} leads shared (two definitions of r2)"


_ONE = ("--threads", "1", "--out", "o")
_GLM = ("--covar", "covariates.txt", "--pheno", "traits.txt", "--pheno-name")
_PLINK2 = ("plink2", "--pfile", "k", *_ONE)
_PLINK1 = ("plink1.9", "--bfile", "k", "--allow-no-sex", *_ONE)
_CLUMP = ("--clump-p1", "1", "--clump-p2", "1", "--clump-r2", CLUMP_R2, "--clump-kb", CLUMP_KB)
_LD = ("--maf", LD_MAF, "--ld-window-kb", LD_KB, "--ld-window", 99999, "--ld-window-r2", LD_SHOWN)


def _line(what: str, ours, command: tuple, compare) -> Line:
    return Line(what, ours.__name__, tuple(map(str, command)), compare)


LINES = (
    _line(
        "frequencies and missing calls",
        frequencies,
        (*_PLINK2, "--freq", "--missing", "variant-only"),
        _compare_frequencies,
    ),
    _line("Hardy-Weinberg", hardy_weinberg, (*_PLINK2, "--hardy"), _compare_hwe),
    _line(
        "filter and write",
        filtered,
        (*_PLINK2, "--maf", 0.01, "--geno", 0.1, "--hwe", 1e-6, "--make-pgen"),
        _compare_filtered,
    ),
    _line(
        f"r2 of all pairs within {LD_KB} kb", linkage, (*_PLINK1, *_LD, "--r2"), _compare_linkage
    ),
    _line("linear", linear, (*_PLINK2, *_GLM, "Q", "--glm", "hide-covar"), _compare_linear),
    _line(
        "logistic",
        logistic,
        (*_PLINK2, *_GLM, "B", "--glm", "hide-covar", "no-firth"),
        _compare_logistic,
    ),
    _line("KING kinship", king, (*_PLINK2, "--make-king", "triangle", "bin4"), _compare_king),
    _line(
        "nearest people",
        nearest,
        (*_PLINK1, "--distance", "square", "bin", "allele-ct"),
        _compare_nearest,
    ),
    _line("clumping", clumped, (*_PLINK1, "--clump", "p.txt", *_CLUMP), _compare_clumped),
)
