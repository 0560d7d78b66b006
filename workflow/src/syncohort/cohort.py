"""From the user's files to the cohort: import, labels, and the filters on people and variants."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import gammaln

from syncohort.errors import InputError, examples
from syncohort.formats.readers import open_source
from syncohort.genes import inside_genes
from syncohort.genotypes import CohortStore, CohortWriter, People
from syncohort.value_labels import value_bins

# What a people table says about a person; other columns of the label table follow.
PEOPLE_COLUMNS = ("sample", "label", "family", "missing", "excluded", "value")


def import_chromosome(
    source: dict, contig: str, multiallelic: str, store_path, summary_path, people_path
) -> None:
    """Read one chromosome of the user's genotypes into a cohort dataset of biallelic SNPs.

    Args:
        source: arguments of `open_source`. contig: chromosome, any spelling.
        multiallelic: "drop" or "split".
        store_path: cohort dataset to write; nothing is filtered by frequency yet.
        summary_path: JSON with counts of variants read, dropped by reason and kept.
        people_path: TSV, missing calls of each person (and what the files say of people).
    """
    opened = open_source(**source)
    people = People.unlabelled(opened.sample_ids)
    missing = np.zeros(len(people), dtype=np.int64)
    dropped: dict[str, int] = {}
    n_read = n_kept = n_haploid = 0
    with CohortWriter(store_path, people) as writer:
        for chunk in opened.chunks(contig, multiallelic=multiallelic):
            n_read += chunk.n_read
            n_kept += len(chunk.variants)
            for reason, count in chunk.dropped.items():
                dropped[reason] = dropped.get(reason, 0) + count
            n_haploid += chunk.n_haploid
            missing += (chunk.calls < 0).any(axis=2).sum(axis=0)
            writer.append(chunk.variants, chunk.calls, chunk.phased)
        if n_kept == 0:
            raise InputError(
                f"{source['path']}, chromosome {contig}: no biallelic SNP among {n_read:,} records "
                f"({_reasons(dropped)}). Leave the chromosome out with input.chromosomes."
            )
    store = CohortStore(store_path)
    summary = {
        "contig": store.contig,
        "n_read": n_read,
        "n_kept": n_kept,
        "dropped": dropped,
        "phased": store.phased,
        "n_haploid": n_haploid,
        "last_position_bp": int(store.variants.position_bp[-1]),
        "contig_length_bp": opened.contig_length(contig),
    }
    Path(summary_path).write_text(json.dumps(summary, indent=1) + "\n")
    table = opened.people_columns().assign(n_missing=missing)
    table.to_csv(people_path, sep="\t", index=False)


def _reasons(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in counts.items()) or "none dropped"


@dataclass(frozen=True)
class LabelJoin:
    """people: one row per genotyped person with `PEOPLE_COLUMNS`; problems: what stops the run;
    n_unmatched: rows of the label table without genotypes."""

    people: pd.DataFrame
    problems: list[str]
    n_unmatched: int


def join_labels(
    file_people: pd.DataFrame,
    missing_share: np.ndarray,
    *,
    table: str | None,
    id_column: str | None,
    label_column: str | list[str],
    family_column: str | None,
    missing: list[str],
    minimum_people: int,
    rare: str,
    person_missing_max: float,
    cuts: list[float] | None = None,
) -> LabelJoin:
    """Give every genotyped person a label, or the reason why the person is left out.

    Args:
        file_people: what the genotype files say, column sample and any others.
        missing_share: [S] share of missing calls.
        table: label table (TSV/CSV); None takes the columns of `file_people`.
        Others: see the sections `labels`, `filters` and `split` of the configuration.
    """
    if table is None:
        source, name, id_column = file_people, "the genotype files", "sample"
    else:
        source, name = read_label_table(table), str(table)
    id_column = id_column or source.columns[0]
    columns = [label_column] if isinstance(label_column, str) else label_column
    problems = [
        f"{name}: no column {column!r} ({key}); found {', '.join(source.columns)}"
        for key, column in (
            ("labels.id_column", id_column),
            *(("labels.label_column", column) for column in columns),
            ("split.family_column", family_column),
        )
        if column is not None and column not in source.columns
    ]
    people = pd.DataFrame({"sample": file_people["sample"], "label": "", "family": ""})
    people["missing"] = missing_share
    people["excluded"] = people["value"] = ""
    if problems:
        return LabelJoin(people, problems, 0)

    ids = source[id_column].str.strip()
    used = source[ids.isin(set(people["sample"]))]
    repeated = used[id_column].str.strip()
    repeated = repeated[repeated.duplicated()].unique()
    if len(repeated):
        problems.append(
            f"{name}: these ids stand on more than one line: {examples(repeated)}; keep one line each"
        )
    if used.empty:
        problems.append(
            f"{name}: none of its {len(ids):,} ids in column {id_column!r} (such as {examples(ids, 3)}) "
            f"is among the {len(people):,} genotyped people (such as {examples(people['sample'], 3)}); "
            "set labels.id_column or rewrite the ids"
        )
    used = used.assign(_id=used[id_column].str.strip()).drop_duplicates("_id").set_index("_id")
    joined = used.reindex(people["sample"]).reset_index(drop=True)
    people["label"] = _joined_labels(joined[columns], missing, is_fam=table is None)
    if cuts:
        values = pd.to_numeric(people["label"], errors="coerce").to_numpy(np.float64)
        wrong = people.loc[(people["label"] != "") & ~np.isfinite(values), "label"].unique()
        if len(wrong):
            problems.append(
                f"{name}: labels.cuts makes column {columns[0]!r} a number, which these values are "
                f"not: {examples(wrong)}; add them to labels.missing, or leave labels.cuts out"
            )
        people["value"] = people["label"].where(np.isfinite(values), "")
        people["label"] = value_bins(values, cuts)
    if family_column:
        people["family"] = joined[family_column].str.strip().fillna("").to_numpy()
    extra = [c for c in joined.columns if c not in (id_column, *PEOPLE_COLUMNS)]
    people = pd.concat([people, joined[extra].fillna("")], axis=1)

    people.loc[people["missing"] > person_missing_max, "excluded"] = "too many missing calls"
    people.loc[people["label"] == "", "excluded"] = "no label"
    people.loc[joined[columns[0]].isna(), "excluded"] = "not in the label table"
    counts = people.loc[people["excluded"] == "", "label"].value_counts()
    few = counts[counts < minimum_people].sort_index()
    if rare == "drop":
        people.loc[people["label"].isin(few.index) & (people["excluded"] == ""), "excluded"] = (
            "rare label"
        )
        counts = counts.drop(few.index)
    elif len(few):
        shown = examples([f"{label} ({count})" for label, count in few.items()])
        problems.append(
            f"these labels have fewer than {minimum_people} people (labels.minimum_people): {shown}; "
            "leave them out with `labels: {rare: drop}`, or merge them with others"
        )
    if counts.empty and not used.empty:
        problems.append("nobody with a usable label is left")
    return LabelJoin(people, problems, int((~ids.isin(set(people["sample"]))).sum()))


def _joined_labels(columns: pd.DataFrame, missing: list[str], *, is_fam: bool) -> pd.Series:
    """Labels [S] from their columns, joined by "/"; "" where one of them is missing."""
    parts = []
    for name in columns:
        part = columns[name].fillna("").str.strip()
        # PLINK's other code for a missing phenotype
        zero = is_fam and name == "phenotype" and set(part) <= {"", "0", "1", "2", "-9"}
        parts.append(part.mask(part.isin([*missing, "0"] if zero else missing), ""))
    known = np.all([part != "" for part in parts], axis=0)
    return parts[0].str.cat(parts[1:], sep="/").where(known, "")


def read_label_table(path: str) -> pd.DataFrame:
    """A table of str, TSV or CSV with a header.

    Raises InputError for a file that is missing or no table.
    """
    if not Path(path).is_file():
        raise InputError(f"labels.table: {path}: no such file")
    try:
        with open(path, encoding="utf-8-sig") as file:
            header = file.readline()
        separator = next((mark for mark in "\t,;" if mark in header), r"\s+")
        table = pd.read_csv(
            path,
            sep=separator,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            index_col=False,
        )
    except (ValueError, pd.errors.ParserError) as error:  # UnicodeDecodeError, EmptyDataError
        raise InputError(
            f"labels.table: {path}: not a table of text ({str(error).strip()}). Save it as TSV or "
            "CSV, encoded as UTF-8, with one header line."
        ) from None
    return table.rename(columns={c: c.strip().lstrip("#") for c in table.columns})


def filter_variants(
    raw: CohortStore,
    people: People,
    genes: pd.DataFrame | None,
    store_path,
    summary_path,
    *,
    maf_min: float,
    variant_missing_max: float,
    hwe_p_min: float,
) -> None:
    """Write the cohort dataset of one chromosome: labelled people, variants that pass.

    Every figure a variant is judged by comes from training people alone.

    Args:
        raw: imported chromosome. people: those who are used, with label and split.
        genes: annotation, to drop SNPs outside genes; None keeps them.
        store_path, summary_path: dataset and JSON of counts to write.
        Others: see the section `filters` of the configuration.
    """
    place = {sample: i for i, sample in enumerate(raw.people.id)}
    index = np.array([place[sample] for sample in people.id])
    train = people.split == "train"
    inside = np.ones(len(raw.variants), dtype=bool)
    if genes is not None:
        inside = inside_genes(raw.variants, genes)
    dropped = dict.fromkeys(("outside genes", "missing calls", "rare", "Hardy-Weinberg"), 0)
    n_kept = 0
    with CohortWriter(store_path, people) as writer:
        for part, calls in raw.variant_chunks(samples=index):
            seen = calls[:, train]
            reasons = {
                "outside genes": ~inside[part],
                "missing calls": (seen < 0).any(axis=2).mean(axis=1) > variant_missing_max,
                "rare": minor_allele_frequency(seen) < max(maf_min, 1e-12),
            }
            if hwe_p_min > 0:
                p = hwe_p_values_by_label(seen, people.label[train])
                reasons["Hardy-Weinberg"] = p < hwe_p_min
            keep = np.ones(len(calls), dtype=bool)
            for reason, fails in reasons.items():
                dropped[reason] += int((keep & fails).sum())
                keep &= ~fails
            if keep.any():
                n_kept += int(keep.sum())
                phasing = raw.read_phasing(part, index)
                writer.append(raw.variants[part][keep], calls[keep], phasing[keep])
        if n_kept == 0:
            raise InputError(
                f"chromosome {raw.contig}: all {len(raw.variants):,} SNPs are filtered away "
                f"({_reasons(dropped)}). Relax the section `filters`, leave the chromosome out with "
                "input.chromosomes, or, where SNPs are outside genes, check the genome build of "
                "the annotation or set genes.intergenic to nearest or own."
            )
    summary = {
        "contig": raw.contig,
        "n_read": len(raw.variants),
        "n_kept": n_kept,
        "dropped": dropped,
    }
    Path(summary_path).write_text(json.dumps(summary, indent=1) + "\n")


def minor_allele_frequency(calls: np.ndarray) -> np.ndarray:
    """MAF [V] of calls int8 [V, S, 2]; missing alleles do not count, 0 where all are missing."""
    alt = (calls == 1).sum(axis=(1, 2))
    known = (calls >= 0).sum(axis=(1, 2))
    frequency = alt / np.maximum(known, 1)
    return np.minimum(frequency, 1 - frequency)


def hwe_p_values_by_label(calls: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Smallest exact Hardy-Weinberg p-value [V] over labels, of calls int8 [V, S, 2].

    Within labels, because mixing populations alone lowers heterozygosity (Wahlund effect).
    """
    smallest = np.ones(len(calls))
    for label in np.unique(labels.astype(str)):
        part = calls[:, labels == label]
        known = (part >= 0).all(axis=2)
        dosage = np.where(known, part.sum(axis=2), -1)
        counts = np.stack([(dosage == value).sum(axis=1) for value in (0, 1, 2)], axis=1)
        patterns, inverse = np.unique(counts, axis=0, return_inverse=True)
        p = np.array([hwe_p_value(*pattern) for pattern in patterns])
        smallest = np.minimum(smallest, p[inverse])
    return smallest


def hwe_p_value(n_hom_ref: int, n_het: int, n_hom_alt: int) -> float:
    """Exact test of Hardy-Weinberg equilibrium (Wigginton et al. 2005, eq. 1 and 2).

    Sums the probabilities, given the allele counts, of all heterozygote counts that are no
    likelier than the observed one.
    """
    n = n_hom_ref + n_het + n_hom_alt
    n_minor = n_het + 2 * min(n_hom_ref, n_hom_alt)
    het = np.arange(n_minor % 2, n_minor + 1, 2)
    rare, common = (n_minor - het) / 2, n - (n_minor + het) / 2
    log_p = het * np.log(2) - gammaln(rare + 1) - gammaln(het + 1) - gammaln(common + 1)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    observed = p[het == n_het][0]
    return float(min(1.0, p[p <= observed * (1 + 1e-9)].sum()))
