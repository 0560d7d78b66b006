"""Chromosome X of real haplotypes, through the real Snakefile, against plink2 and bcftools."""

import gzip

import numpy as np
import pandas as pd
import pysam
import pytest
import yaml
from clones import clone, snakemake
from genotype_files import need, read_whole, run

from syncohort.cohort.pseudo_autosomal import with_male_haploid
from syncohort.cohort_store import CohortStore
from syncohort.formats.readers import open_source
from syncohort.formats.sample_sheet import read_sample_sheet
from syncohort.formats.vcf_writing import write_vcf
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants
from syncohort.packed_calls import PackedCalls, masks
from syncohort.ploidy import ABSENT, MALE, has_one_copy

SHIFT_BP = 1_199_520  # of what stands for X: in GRCh37 its first half is shared with Y
N_PEOPLE, EVERY = 120, 8  # of the common SNPs


def write_x(real_data, folder) -> None:
    """Real haplotypes, sequence and people, men with one haplotype of what Y does not share."""
    panel = pd.read_csv(next((real_data / "kg3").glob("*.panel")), sep="\t").iloc[:, :4]
    groups = panel[panel["super_pop"].isin(["EUR", "AFR"])].groupby(["super_pop", "gender"])
    table = groups.head(N_PEOPLE // 4)
    table.to_csv(folder / "people.tsv", sep="\t", index=False)
    source = real_data / "fasta/kg3_chr20_1-2Mb.hg19.vcf.gz"
    common = ["-Oz", "-o", folder / "20.vcf.gz", "-q", "0.05:minor"]
    run("bcftools", "view", "-s", ",".join(table["sample"]), *common, source)
    given, calls, *_ = read_whole(open_source("vcf", str(folder / "20.vcf.gz")), "20")
    given, calls = given[::EVERY], calls[::EVERY].copy()
    names = [f"x{i}" for i in range(len(given))]
    variants = Variants("X", given.position_bp + SHIFT_BP, names, given.allele)
    variants = with_male_haploid(variants, "GRCh37", "x")
    assert 100 < variants.male_haploid.sum() < len(variants) - 100
    men = np.where(table["gender"] == "male", MALE, 0)
    calls[..., 1][has_one_copy(variants.male_haploid, men)] = ABSENT
    with CohortWriter(folder / "x.zarr.zip", People.unlabelled(table["sample"])) as writer:
        writer.append(variants, calls, True)
    write_vcf(CohortStore(folder / "x.zarr.zip"), folder / "x.vcf.gz")
    with gzip.open(real_data / "fasta/chr20_1-2Mb_hs37d5.Npadded.fa.gz", "rt") as file:
        bases = "".join(file.read().split("\n")[1:])
    (folder / "x.fa").write_text(f">X\n{'N' * SHIFT_BP}{bases}\n")
    genes = ("X", 2_300_000, 2_500_000, "shared"), ("X", 2_900_000, 3_000_000, "own")
    line = '{}\tx\tgene\t{}\t{}\t.\t+\t.\tgene_id "{}";\n'
    (folder / "genes.gtf").write_text("".join(line.format(*gene) for gene in genes))


@pytest.fixture(scope="module")
def release(real_data, tmp_path_factory):
    """The folder of a release with X, and the synthetic cohort."""
    need("bcftools", "plink2")
    folder = clone(tmp_path_factory.mktemp("x") / "clone")
    data = folder / "data"
    data.mkdir()
    write_x(real_data, data)
    files = {"kind": "vcf", "path": "data/x.vcf.gz", "reference": "data/x.fa"}
    study = {
        "cohort": "x",
        "input": files | {"chromosomes": ["X"], "build": "GRCh37"},
        "labels": {"table": "data/people.tsv", "label_column": "super_pop", "minimum_people": 5},
        "genes": {"annotation": "data/genes.gtf", "max_snps": 20},
        "release": {"export": ["vcf", "plink", "pgen", "fasta"], "fasta": {"people": 6}},
        "generators": {"small": yaml.safe_load((folder / "tiny.yaml").read_text())["generators"]["small"]},
    }  # fmt: skip
    (folder / "own.yaml").write_text(yaml.safe_dump(study))
    made = "results/x/release/small"
    names = ("samples.tsv", "vcf/X.vcf.gz", "plink/synthetic.bed", "pgen/synthetic.pgen")
    targets = [f"{made}/{name}" for name in (*names, "fasta/X.fa.gz")]
    result = snakemake(folder, *targets, study="own.yaml")
    assert result.returncode == 0, result.stdout + result.stderr
    return folder / made, CohortStore(folder / "results/x/decode_cohort/small/X.zarr.zip")


@pytest.mark.slow
def test_men_have_one_copy_in_every_format_and_count_once(release, tmp_path):
    folder, cohort = release
    people = read_sample_sheet(folder / "samples.tsv")
    n_men = (people.sex == MALE).sum()
    assert (cohort.people.sex == people.sex).all()
    split = pd.read_csv(folder.parents[1] / "split_people/people.tsv", sep="\t")
    train = split[split["split"] == "train"]
    for label in (
        "AFR",
        "EUR",
    ):  # everybody's sex was said; sexes are drawn with the label's share of men
        share = (train.loc[train["label"] == label, "sex_code"] == MALE).mean()
        drawn = people.sex[people.label == label] == MALE
        error = np.sqrt(share * (1 - share) / len(drawn))
        assert 0.2 < share < 0.8 and drawn.mean() == pytest.approx(share, abs=4 * error)
    one_copy = has_one_copy(cohort.variants.male_haploid, people.sex)
    calls = cohort.read()
    assert ((calls[..., 1] == ABSENT) == one_copy).all() and one_copy.any()
    _, written, *_ = read_whole(open_source("vcf", str(folder / "vcf/X.vcf.gz")), "X")
    assert (written == calls).all()
    ours = PackedCalls.of(calls).count(masks(np.ones((1, len(people)), bool)))
    for option, prefix in (("--pfile", "pgen/synthetic"), ("--bfile", "plink/synthetic")):
        said = run("plink2", option, folder / prefix, "--freq", "--out", tmp_path / "p")
        assert "Warning" not in said and f"{n_men} males" in said
        found = pd.read_csv(tmp_path / "p.afreq", sep="\t").set_index("ID")
        found = found.loc[cohort.variants.id]
        assert (found["OBS_CT"].to_numpy() == ours.alleles[:, 0]).all()
        alt = found["ALT_FREQS"] * found["OBS_CT"]
        np.testing.assert_allclose(alt, ours.alt[:, 0], atol=0.01)


@pytest.mark.slow
def test_sequences_of_x_are_as_bcftools_writes_them(release):
    folder, cohort = release
    reference = folder.parents[3] / "data/x.fa"
    sexes = dict(zip(cohort.people.id, cohort.people.sex, strict=True))
    with pysam.FastaFile(str(folder / "fasta/X.fa.gz")) as file:
        found = {name: file.fetch(name) for name in file.references}
    assert {sexes[name.split("#")[0]] for name in found} == {1, 2}
    for name, bases in found.items():
        person, haplotype, _ = name.split("#")
        options = ["-H", haplotype, "--sample", person, "--fasta-ref", reference]
        theirs = run("bcftools", "consensus", *options, folder / "vcf/X.vcf.gz")
        assert bases == "".join(theirs.split("\n")[1:])
    written = {person: sum(name.startswith(f"{person}#") for name in found) for person in sexes}
    assert all(n == (1 if sexes[person] == MALE else 2) for person, n in written.items() if n)
