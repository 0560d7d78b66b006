"""Labels, variant filters and the compatibility check, good and bad input alike."""

import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY

from syncohort.cohort.checks import consistent_builds, examine_cohort
from syncohort.cohort.filters import filter_variants
from syncohort.cohort.gate import require_usable
from syncohort.cohort.hardy_weinberg import hwe_p_values, hwe_p_values_by_label
from syncohort.cohort.importing import Tally, import_chromosome
from syncohort.cohort.joining import join_people, read_join, read_joined, write_join, write_key
from syncohort.cohort.labels import join_labels
from syncohort.cohort.people_checks import (
    attacks_check,
    check_plans,
    key_checks,
    read_checks,
    shadow_check,
    synthesis_checks,
    write_checks,
)
from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.formats.people_files import plink_phenotype
from syncohort.formats.plink import write_plink
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants, carries
from syncohort.packed_calls import minor_allele_frequency
from syncohort.report.check_page import write_check_page

BUILDS = pd.read_csv(REPOSITORY / "resources/genome_builds.tsv", sep="\t")
LABELS = {
    "table": None,
    "id_column": None,
    "label_column": "population",
    "family_column": None,
    "missing": ["", "NA"],
    "minimum_people": 3,
    "rare": "stop",
    "person_missing_max": 0.1,
}


def write_store(path, calls, contig="20", labels=None, splits=None, phased=True, start=1000):
    n_variants, n_people = calls.shape[:2]
    people = People(
        [f"p{i}" for i in range(n_people)],
        labels if labels is not None else [""] * n_people,
        splits if splits is not None else [""] * n_people,
    )
    alleles = [["A", "G"]] * n_variants
    ids = [f"rs{contig}_{i}" for i in range(n_variants)]
    variants = Variants(contig, start + 100 * np.arange(n_variants), ids, alleles)
    with CohortWriter(path, people) as writer:
        writer.append(variants, calls.astype(np.int8), phased)
    return CohortStore(path)


def random_calls(n_variants, n_people, frequency=0.3, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.random((n_variants, n_people, 2)) < frequency).astype(np.int8)


# --- Hardy-Weinberg and frequencies


def plain_hwe(aa, ab, bb):
    """The textbook exact test with whole numbers: all heterozygote counts, one by one."""
    from fractions import Fraction
    from math import factorial

    n, n_a = aa + ab + bb, 2 * aa + ab

    def ways(het):
        hom_a, hom_b = (n_a - het) // 2, n - (n_a + het) // 2
        return Fraction(2**het, factorial(hom_a) * factorial(het) * factorial(hom_b))

    every = [ways(h) for h in range(n_a % 2, min(n_a, 2 * n - n_a) + 1, 2)]
    return float(sum(w for w in every if w <= ways(ab)) / sum(every))


def test_hwe_is_the_exact_test():
    every = [
        (a, h, n - a - h) for n in range(1, 12) for a in range(n + 1) for h in range(n - a + 1)
    ]
    every += [(57, 14, 50), (10, 20, 10), (0, 1, 40), (3, 0, 30), (5, 25, 9), (300, 11, 280)]
    expected = [plain_hwe(*counts) for counts in every]
    np.testing.assert_allclose(hwe_p_values(every), expected, rtol=1e-10)
    assert hwe_p_values([0, 0, 0]) == 1


def test_hwe_of_half_a_million_people_is_bounded_and_falls_with_the_distance_from_equilibrium():
    het = np.arange(240_000, 250_001, 500)
    counts = np.stack([(500_000 - het) // 2, het, (500_000 - het) // 2], axis=1)
    p = hwe_p_values(counts)
    assert p[-1] == 1 and 0 < p[0] < 1e-100
    assert (np.diff(p) > 0).all()


def test_hwe_agrees_with_plink(tmp_path):
    if shutil.which("plink2") is None:
        pytest.skip("plink2 is not installed")
    calls = random_calls(60, 80, 0.4)
    calls[:20, :, 1] = calls[:20, :, 0]  # no heterozygotes
    calls[20, :10] = -1
    store = write_store(tmp_path / "c.zip", calls)
    write_plink([store], tmp_path / "c")
    command = ["plink2", "--bfile", tmp_path / "c", "--hardy", "--out", tmp_path / "c"]
    subprocess.run(command, check=True, capture_output=True)
    plink = pd.read_csv(tmp_path / "c.hardy", sep="\t")["P"]
    ours = hwe_p_values_by_label(store.read(), np.full(80, "x"))
    np.testing.assert_allclose(ours, plink, rtol=1e-4)  # plink2 prints six digits


def test_hwe_is_judged_within_labels():
    common, rare = random_calls(40, 200, 0.9), random_calls(40, 200, 0.1, seed=1)
    calls = np.concatenate([common, rare], axis=1)
    labels = np.repeat(["a", "b"], 200)
    assert (hwe_p_values_by_label(calls, np.full(400, "x")) < 1e-6).all()
    assert (hwe_p_values_by_label(calls, labels) > 1e-6).all()


def test_frequencies_do_not_count_missing_alleles():
    calls = np.array([[[1, 1], [0, -1], [0, 0]], [[-1, -1]] * 3], dtype=np.int8)
    assert minor_allele_frequency(calls).tolist() == [0.4, 0.0]


# --- filters


def test_variants_are_judged_by_training_people_only(tmp_path):
    calls = random_calls(200, 40)
    splits = np.array(["train"] * 30 + ["holdout"] * 10)
    people = People([f"p{i}" for i in range(40)], ["a"] * 40, splits)
    calls[0, :30], calls[0, 30:] = 0, 1  # common in the holdout alone
    calls[1, 30:] = -1  # missing in the holdout alone
    calls[2, :10] = -1  # missing in training people
    options = {"maf_min": 0.05, "variant_missing_max": 0.1, "hwe_p_min": 0}
    raw = write_store(tmp_path / "raw.zip", calls)
    filter_variants(raw, people, None, tmp_path / "out.zip", tmp_path / "out.json", **options)
    kept = CohortStore(tmp_path / "out.zip")
    assert "rs20_0" not in kept.variants.id and "rs20_2" not in kept.variants.id
    assert "rs20_1" in kept.variants.id
    assert kept.people.split.tolist() == splits.tolist()
    dropped = json.loads((tmp_path / "out.json").read_text())["dropped"]
    assert dropped["missing calls"] == 1 and dropped["rare"] >= 1

    noise = calls.copy()
    noise[:, 30:] = random_calls(200, 10, 0.5, seed=9)
    raw = write_store(tmp_path / "noise.zip", noise)
    filter_variants(raw, people, None, tmp_path / "noisy.zip", tmp_path / "n.json", **options)
    assert CohortStore(tmp_path / "noisy.zip").variants.id.tolist() == kept.variants.id.tolist()


def test_snps_outside_genes_are_dropped(tmp_path):
    raw = write_store(tmp_path / "raw.zip", random_calls(20, 30))  # at 1000, 1100, ...
    people = People(raw.people.id, ["a"] * 30, ["train"] * 30)
    genes = pd.DataFrame({"contig": "20", "start_bp": [1100, 2000], "end_bp": [1350, 2000]})
    options = {"maf_min": 0.0, "variant_missing_max": 1.0, "hwe_p_min": 0}
    filter_variants(raw, people, genes, tmp_path / "out.zip", tmp_path / "out.json", **options)
    kept = CohortStore(tmp_path / "out.zip").variants
    assert kept.position_bp.tolist() == [1100, 1200, 1300, 2000]
    summary = json.loads((tmp_path / "out.json").read_text())
    assert summary["dropped"]["outside genes"] == 16
    elsewhere = genes.assign(contig="21")
    with pytest.raises(InputError, match="20 outside genes.*genome build of the annotation"):
        filter_variants(raw, people, elsewhere, tmp_path / "o.zip", tmp_path / "o.json", **options)


def test_all_snps_filtered_away(tmp_path):
    raw = write_store(tmp_path / "raw.zip", random_calls(20, 30, 0.02))
    people = People(raw.people.id, ["a"] * 30, ["train"] * 30)
    options = {"maf_min": 0.4, "variant_missing_max": 0.1, "hwe_p_min": 0}
    with pytest.raises(InputError, match="chromosome 20: all 20 SNPs are filtered away .*20 rare"):
        filter_variants(raw, people, None, tmp_path / "out.zip", tmp_path / "o.json", **options)
    assert not (tmp_path / "out.zip").exists()


# --- labels


def join(table_text, tmp_path, n_people=9, missing=None, **changes):
    people = pd.DataFrame({"sample": [f"p{i}" for i in range(n_people)]})
    (tmp_path / "labels.csv").write_text(table_text)
    options = LABELS | {"table": str(tmp_path / "labels.csv")} | changes
    return join_labels(people, np.zeros(n_people) if missing is None else missing, **options)


def rows(labels, separator=","):
    lines = [f"p{i}{separator}{label}" for i, label in enumerate(labels)]
    return "\n".join([f"id{separator}population", *lines]) + "\n"


@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_labels_are_joined_by_id_whatever_the_separator_and_order(tmp_path, separator):
    lines = rows("aaabbbbNA"[:7] + "b", separator).splitlines()
    shuffled = "\n".join([lines[0], *reversed(lines[1:]), f"other{separator}a"]) + "\n"
    joined = join(shuffled, tmp_path)
    assert joined.problems == [] and joined.n_unmatched == 1
    assert joined.people["label"].tolist() == [*"aaabbbb", "b", ""]
    assert joined.people["excluded"].tolist() == [""] * 8 + ["not in the label table"]


def test_missing_labels_and_missing_calls_leave_people_out(tmp_path):
    missing = np.array([0.5] + [0] * 8)
    joined = join(rows([*"aaaa", "NA", *"bbbb"]), tmp_path, missing=missing)
    assert joined.people["excluded"].tolist()[0] == "too many missing calls"
    assert joined.people["excluded"].tolist()[4] == "no label"
    assert joined.problems == []


def test_label_file_without_the_people(tmp_path):
    text = rows("aaabbb").replace("\np", "\nperson")
    (problem,) = [p for p in join(text, tmp_path).problems if "none of" in p]
    assert "none of its 6 ids" in problem and "person0" in problem and "p0" in problem


def test_one_label_with_two_people(tmp_path):
    joined = join(rows("aaaabbbcc"), tmp_path)
    assert "fewer than 3 people" in joined.problems[0] and "c (2)" in joined.problems[0]
    dropped = join(rows("aaaabbbcc"), tmp_path, rare="drop")
    assert dropped.problems == []
    assert dropped.people["excluded"].tolist()[-2:] == ["rare label"] * 2


def test_a_missing_phenotype_of_a_fam_is_no_label():
    phenotype = plink_phenotype(pd.Series([*"000111222"]))
    people = pd.DataFrame({"sample": [f"p{i}" for i in range(9)], "phenotype": phenotype})
    joined = join_labels(people, np.zeros(9), **(LABELS | {"label_column": "phenotype"}))
    assert joined.people["excluded"].tolist() == ["no label"] * 3 + [""] * 6


def test_labels_of_several_columns_are_joined_and_cases_found_in_them():
    people = pd.DataFrame(
        {
            "sample": [f"p{i}" for i in range(9)],
            "population": ["a", "a", "a", "a", "b", "b", "b", "NA", "b"],
            "phenotype": plink_phenotype(pd.Series([*"211112220"])),
        }
    )
    columns = {"label_column": ["population", "phenotype"], "minimum_people": 1}
    joined = join_labels(people, np.zeros(9), **(LABELS | columns))
    label = joined.people["label"].tolist()
    assert label == ["a/2", "a/1", "a/1", "a/1", "b/1", "b/2", "b/2", "", ""]
    assert joined.people["excluded"].tolist()[-2:] == ["no label"] * 2
    assert np.flatnonzero(carries(np.array(label), "2")).tolist() == [0, 5, 6]
    assert np.flatnonzero(carries(np.array(label), "a/2")).tolist() == [0]
    assert not carries(np.array(["case-control", "lowercase"]), "case").any()
    absent = columns | {"label_column": ["population", "disease"]}
    problems = join_labels(people, np.zeros(9), **(LABELS | absent)).problems
    assert "no column 'disease' (labels.label_column)" in problems[0]


@pytest.mark.parametrize(
    "content", [b"", "id,population\np0,\xe4\n".encode("latin-1"), b"PK\x03\x04\xff"]
)
def test_a_label_table_that_is_no_text(tmp_path, content):
    (tmp_path / "labels.csv").write_bytes(content)
    people = pd.DataFrame({"sample": ["p0"]})
    with pytest.raises(InputError, match=r"(?s)labels.csv.*not a table of text"):
        join_labels(people, np.zeros(1), **(LABELS | {"table": str(tmp_path / "labels.csv")}))


def test_ids_twice_in_the_label_table(tmp_path):
    joined = join(rows("aaabbbccc") + "p3,a\n", tmp_path)
    assert "more than one line: p3" in joined.problems[0]


def test_a_column_that_is_not_there(tmp_path):
    joined = join(rows("aaabbbccc"), tmp_path, label_column="disease", family_column="fam")
    assert "no column 'disease' (labels.label_column); found id, population" in joined.problems[0]
    assert "split.family_column" in joined.problems[1]


def test_a_label_table_that_does_not_exist():
    people = pd.DataFrame({"sample": ["p0"]})
    with pytest.raises(InputError, match="labels.table: nowhere.tsv: no such file"):
        join_labels(people, np.zeros(1), **(LABELS | {"table": "nowhere.tsv"}))


# --- the check page

GENES = pd.DataFrame(
    {"gene": ["G1", "G2"], "contig": "20", "start_bp": [1000, 1500], "end_bp": [1400, 1900]}
)


def check(
    tmp_path,
    store_calls,
    *,
    genes=GENES,
    mode="haplotype",
    phasing="none",
    phased=True,
    contig="20",
    start=1000,
    n_haploid=0,
    synthesis=None,
    **association,
):
    """Run the check on a store of these calls, with what an import would say of it."""
    n_people = store_calls.shape[1]
    place = {"contig": contig, "phased": phased, "start": start}
    store = write_store(tmp_path / "raw.zip", store_calls, **place)
    summary = {
        **Tally(n_read=len(store_calls), n_kept=len(store_calls)).summary(),
        **dict.fromkeys(("n_shared_sites", "n_shared_variants", "n_torn", "n_provisional"), 0),
        "contig": contig,
        "dropped": {"duplicate": 3},
        "kinds": {"snp": len(store_calls)},
        "phased": store.phased,
        "n_haploid": n_haploid,
        "n_male_haploid": 0,
        "n_people": n_people,
        "has_reference": False,
        "held": {contig: len(store_calls)},
        "notes": [],
        "n_monomorphic": 0,
        "maf_histogram": [0] * 499 + [len(store_calls)],
        "missing_histogram": [len(store_calls)] + [0] * 499,
        "expected_heterozygous": 0.0,
        "last_position_bp": int(store.variants.position_bp[-1]),
        "contig_length_bp": None,
    }
    (tmp_path / "raw.json").write_text(json.dumps(summary))
    pd.DataFrame(
        {
            "sample": store.people.id,
            "population": ["a", "b"] * (n_people // 2),
            "n_missing": (store_calls < 0).any(axis=2).sum(axis=0),
            "n_half": 0,
            "n_heterozygous": 0,
            "n_single": 0,
            "n_single_shared": 0,
        }
    ).to_csv(tmp_path / "raw.tsv", sep="\t", index=False)
    out = [tmp_path / name for name in ("check.html", "checks.tsv", "people.tsv")]
    notes = tmp_path / "notes.json"
    write_join(join_people([tmp_path / "raw.tsv"], [tmp_path / "raw.json"], LABELS), out[2], notes)
    checks, variants = examine_cohort(
        [tmp_path / "raw.zip"],
        [tmp_path / "raw.json"],
        [tmp_path / "raw.tsv"],
        read_join(out[2], notes),
        genes,
        BUILDS,
        mode=mode,
        phasing=phasing,
        intergenic="nearest",
        simulated=False,
        train_share=0.8,
        kinship=False,
        person_missing_max=LABELS["person_missing_max"],
        filters={"maf_min": 0.01, "variant_missing_max": 0.05},
    )
    people = read_joined(out[2])
    checks += check_plans(
        people,
        synthesis={"how": "matched", "n_people": None, "counts": {}} | (synthesis or {}),
        missing=LABELS["missing"],
        train_share=0.8,
        shadows=None,
        attacks={"privacy_people": 3_000, "mode": mode, "memory_mb": 4_000},
        **({"case_label": None, "selection": None, "trait": None} | association),
    )
    write_checks(checks, out[1])
    assert read_checks(out[1]) == checks
    write_check_page(out[0], checks, people, variants, simulated=False)
    return out


def test_generators_without_shadow_models_are_named_where_shadow_models_are_asked_for():
    assert shadow_check(8, ["ours"], []).level == "ok"
    assert shadow_check(8, [], ["apart"]).found == "none of apart"
    line = shadow_check(8, ["ours", "mosaic"], ["apart"])
    assert line.found == "8 each of ours, mosaic; none of apart" and line.level == "look"


def test_keys_without_effect_are_lines_to_look_at():
    (line,) = key_checks([("labels.id_column", "there is no labels.table")])
    assert line.level == "look" and line.name == "labels.id_column"
    assert line.found == "has no effect here: there is no labels.table"


def test_attacks_that_cannot_have_the_memory_for_all_pairs_of_people_stop_the_run_first():
    drawn = {"how": "matched", "n_people": None, "counts": {}}
    (line, stop) = (attacks_check(20_000, drawn, n, "haplotype", 4_000) for n in (3_000, 10_000))
    assert line.level == "ok" and "3,000 people a group: 2.3 GB" in line.found
    assert stop.level == "stop" and "evaluation.privacy_people" in stop.advice
    assert "compute.memory_mb: 23000" in stop.advice
    assert attacks_check(20_000, drawn, 10_000, "haplotype", 23_000).level == "ok"
    few = attacks_check(200, drawn, 10_000, "haplotype", 500)  # of whom all are compared
    assert few.level == "ok" and "200 people" in few.found
    many = drawn | {"n_people": 50_000}
    assert attacks_check(200, many, 10_000, "haplotype", 4_000).level == "stop"


def test_a_sound_cohort_passes_and_the_page_says_so(tmp_path):
    page, checks, _ = check(tmp_path, random_calls(10, 20))
    require_usable(checks, page)
    text = page.read_text()
    assert "The cohort can be used." in text and "3 copies of another record" in text
    table = pd.read_csv(checks, sep="\t", keep_default_na=False).set_index("name")
    assert table.loc["people with a usable label", "found"].startswith("20 of 20")
    assert table.loc["training rows", "level"] == "look"  # 20 people are few


def test_unphased_data_in_haplotype_mode(tmp_path):
    page, checks, _ = check(tmp_path, random_calls(10, 20), phased=False)
    with pytest.raises(
        InputError, match="phase: heterozygous calls without phase on chromosome 20"
    ):
        require_usable(checks, page)
    assert "The run stops here" in page.read_text()
    page, checks, _ = check(tmp_path, random_calls(10, 20), phased=False, mode="genotype")
    require_usable(checks, page)
    page, checks, _ = check(tmp_path, random_calls(10, 20), phased=False, phasing="beagle")
    require_usable(checks, page)
    assert "beagle will phase them" in page.read_text()


def test_haploid_calls_are_told_by_name(tmp_path):
    page, checks, _ = check(tmp_path, random_calls(10, 20), n_haploid=7)
    with pytest.raises(InputError, match="ploidy: haploid calls on chromosome 20"):
        require_usable(checks, page)


def test_people_to_draw_are_checked_before_anything_is_trained(tmp_path):
    wish = {"how": "counts", "counts": {"A": 3}}
    page, checks, _ = check(tmp_path, random_calls(10, 20), synthesis=wish)
    with pytest.raises(InputError, match="labels nobody in training carries: A"):
        require_usable(checks, page)


def test_real_people_who_are_named_as_synthetic_ones_are_told():
    people = pd.DataFrame({"sample": ["SYN1", "SYN0002", "SYNE"], "label": "a", "excluded": ""})
    wish = {"how": "matched", "n_people": None, "counts": {}}
    (line,) = synthesis_checks(people, wish)
    assert line.level == "look" and line.found.startswith("2 real people are named as synthetic")
    assert synthesis_checks(people[2:], wish) == []


def test_missing_knowledge_of_relatives_is_told(tmp_path):
    _, checks, _ = check(tmp_path, random_calls(10, 20))
    table = pd.read_csv(checks, sep="\t", keep_default_na=False).set_index("name")
    assert table.loc["relatives", "level"] == "look"


def test_chromosomes_that_do_not_match_the_annotation(tmp_path):
    page, checks, _ = check(tmp_path, random_calls(10, 20), contig="7")
    with pytest.raises(InputError, match="no gene on chromosome 7; the annotation has 20"):
        require_usable(checks, page)


def test_builds_that_differ(tmp_path):
    last = BUILDS.pivot(index="contig", columns="build", values="length_bp")
    assert consistent_builds({"22": last.loc[22, "GRCh37/hg19"]}, BUILDS) == ["GRCh37/hg19"]
    assert consistent_builds({"20": last.loc[20, "GRCh38/hg38"]}, BUILDS) == ["GRCh38/hg38"]
    assert len(consistent_builds({"20": 1000}, BUILDS)) == 3
    only_38 = pd.DataFrame(
        {
            "gene": ["A", "B"],
            "contig": ["20", "22"],
            "start_bp": 1,
            "end_bp": [last.loc[20, "GRCh38/hg38"], last.loc[22, "GRCh38/hg38"]],
        }
    )
    only_37 = {"contig": "22", "start": last.loc[22, "GRCh37/hg19"] - 5000}
    page, checks, _ = check(tmp_path, random_calls(10, 20), genes=only_38, **only_37)
    expected = "genotypes fit GRCh37/hg19; annotation fits GRCh38/hg38. Lift one of them over"
    with pytest.raises(InputError, match=expected):
        require_usable(checks, page)


# --- import


def test_import_counts_what_it_reads_and_drops(tmp_path):
    text = ["##fileformat=VCFv4.2", "##contig=<ID=chr20,length=63025520>"]
    text.append('##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">')
    text.append("#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT p0 p1".replace(" ", "\t"))
    for position, ref, alt, calls in (
        (10, "A", "C", "0|1 1|1"),
        (20, "A", "C,G", "0|1 2|1"),
        (30, "AT", "A", "0|1 0|0"),
        (40, "G", "T", ".|. 0|1"),
    ):
        text.append(f"chr20 {position} . {ref} {alt} . . . GT {calls}".replace(" ", "\t"))
    (tmp_path / "small.vcf").write_text("\n".join(text) + "\n")
    out = [tmp_path / name for name in ("raw.zip", "raw.json", "raw.tsv")]
    source = {"kind": "vcf", "path": str(tmp_path / "small.vcf")}
    import_chromosome(source, "20", "drop", *out)
    store = CohortStore(out[0])
    assert store.contig == "20" and store.variants.position_bp.tolist() == [10, 40]
    assert store.read().tolist() == [[[0, 1], [1, 1]], [[-1, -1], [0, 1]]]
    summary = json.loads(out[1].read_text())
    assert summary["n_read"] == 4 and sum(summary["dropped"].values()) == 2
    assert summary["contig_length_bp"] == 63025520 and summary["phased"]
    assert pd.read_csv(out[2], sep="\t")["n_missing"].tolist() == [1, 0]
    import_chromosome(source, "20", "drop", *out, region=(11, 40))
    assert CohortStore(out[0]).variants.position_bp.tolist() == [40]
    again = json.loads(out[1].read_text())
    assert again["dropped"] == summary["dropped"] | {"region": 1} and again["n_read"] == 4
    with pytest.raises(InputError, match=r"2 outside filters.regions.*Mend filters.regions"):
        import_chromosome(source, "20", "drop", *out, region=(41, 50))


# --- the key of the random numbers


def key_of(folder, calls, labels, *, value="") -> str:
    """The key of a cohort that is written to a folder and imported from PLINK files."""
    folder.mkdir()
    write_plink([write_store(folder / "c.zip", calls)], folder / "c")
    out = [folder / name for name in ("raw.zip", "raw.json", "raw.tsv")]
    import_chromosome({"kind": "plink", "path": str(folder / "c")}, "20", "drop", *out)
    people = pd.DataFrame({"sample": CohortStore(out[0]).people.id, "label": labels})
    people = people.assign(value=value, unused=folder.name)
    write_key(people, out[1], folder / "key.txt")
    return (folder / "key.txt").read_text()


def test_the_key_of_a_cohort_follows_from_genotypes_labels_and_values_alone(tmp_path):
    calls, labels = random_calls(30, 6), ["a", "b"] * 3
    key = key_of(tmp_path / "one", calls, labels)
    assert len(key.strip()) == 64 and key_of(tmp_path / "two", calls, labels) == key
    other = calls.copy()
    other[7, 3, 0] = other[7, 3, 1] = 1 - other[7, 3, 0]
    changed = [
        key_of(tmp_path / "genotype", other, labels),
        key_of(tmp_path / "label", calls, labels[::-1]),
        key_of(tmp_path / "value", calls, labels, value="21.5"),
    ]
    assert len({key, *changed}) == 4


SELECTION = {"covariates": [], "statistics": None}
TRAIT = {"n_causal": 40, "heritability": 0.5, "prevalence": 0.4, "within": "population"}


def test_a_case_label_that_nobody_has_stops(tmp_path):
    page, checks, _ = check(tmp_path, random_calls(10, 20), case_label="sick")
    with pytest.raises(InputError, match=r"case_label is 'sick'; the labels are a, b"):
        require_usable(checks, page)


def test_covariates_that_are_not_there_stop_together(tmp_path):
    selection = SELECTION | {"covariates": ["age", "population", "bmi"]}
    page, checks, _ = check(tmp_path, random_calls(10, 20), selection=selection)
    with pytest.raises(InputError, match=r"(?s)no column 'age'; found .*no column 'bmi'") as stop:
        require_usable(checks, page)
    assert "'population'" not in str(stop.value)


@pytest.mark.parametrize(
    "n_people, statistics, level", [(20, None, "look"), (520, None, "ok"), (20, "gwas.tsv", "")]
)
def test_few_cases_are_told_before_variants_are_chosen_by_them(
    tmp_path, n_people, statistics, level
):
    selection = SELECTION | {"statistics": statistics}
    calls = random_calls(10, n_people)
    page, checks, _ = check(tmp_path, calls, case_label="a", selection=selection, trait=TRAIT)
    require_usable(checks, page)
    table = pd.read_csv(checks, sep="\t", keep_default_na=False).set_index("name")
    if not level:
        assert "selection" not in table.index
        return
    assert table.loc["selection", "level"] == level
    n_cases = int(0.8 * n_people / 2)
    assert f"about {n_cases} cases among" in table.loc["selection", "found"]
    assert ("Too small to choose variants" in page.read_text()) == (level == "look")
    assert "simulated, not these people" in table.loc["trait", "found"]
