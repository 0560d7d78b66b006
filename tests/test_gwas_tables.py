"""GWAS tables as programs write them: each read with the right effect allele, or refused."""

import subprocess
from shutil import which

import numpy as np
import pandas as pd
import pytest
from cohorts import people_of, store_of

from syncohort.association.harmonise import harmonise
from syncohort.errors import InputError
from syncohort.formats.plink import write_plink
from syncohort.formats.summary_statistics import read_summary_statistics

# the cohort's variants are A (REF) and G (ALT): the effect allele is ALT, REF, ALT
EFFECTS = [
    {"id": "v0", "pos": 1000, "ea": "G", "oa": "A", "beta": 0.1, "p": 0.01},
    {"id": "v1", "pos": 2000, "ea": "A", "oa": "G", "beta": 0.2, "p": 0.5},
    {"id": "v2", "pos": 3000, "ea": "G", "oa": "A", "beta": -0.3, "p": 1e-8},
]
BETA_OF_ALT = [0.1, -0.2, -0.3]

# heading and row of each program; {ratio} is the odds ratio, {log} is -log10(p)
FORMATS = {
    "plink1.9 --assoc": (
        "CHR SNP BP A1 F_A F_U A2 CHISQ P OR",
        "  7 {id} {pos} {ea} 0.1 0.2 {oa} 3.2 {p} {ratio} ",
    ),
    "plink1.9 --linear": (
        "CHR SNP BP A1 TEST NMISS BETA STAT P",
        "7 {id} {pos} {ea} ADD 90 {beta} 2 {p}\n7 {id} {pos} {ea} age 90 9 2 1e-9",
    ),
    "plink1.9 --logistic": (
        "CHR SNP BP A1 TEST NMISS OR STAT P",
        "7 {id} {pos} {ea} age 90 9 2 1e-9\n7 {id} {pos} {ea} ADD 90 {ratio} 2 {p}",
    ),
    "plink2 --glm, old": (
        "#CHROM\tPOS\tID\tREF\tALT\tA1\tTEST\tOBS_CT\tBETA\tSE\tT_STAT\tP",
        "7\t{pos}\t{id}\tA\tG\t{ea}\tADD\t90\t{beta}\t1\t1\t{p}\n7\t{pos}\t{id}\tA\tG\t{ea}\tC1\t90\t5\t1\t1\t1e-9",
    ),
    "plink2 --glm, omitted": (
        "#CHROM\tPOS\tID\tREF\tALT\tPROVISIONAL_REF?\tA1\tOMITTED\tA1_FREQ\tFIRTH?\tTEST\tOBS_CT\tOR\tLOG(OR)_SE\tZ_STAT\tLOG10_P\tERRCODE",
        "7\t{pos}\t{id}\tA\tG\tN\t{ea}\t{oa}\t0.3\tN\tADD\t90\t{ratio}\t1\t1\t{log}\t.",
    ),
    "plink2 --glm, ax, several ALT": (
        "#CHROM\tPOS\tID\tREF\tALT\tA1\tTEST\tOBS_CT\tBETA\tSE\tT_STAT\tP\tERRCODE",
        "7\t{pos}\t{id}\tA\tG,T\t{ea}\tADD\t90\t{beta}\t1\t1\t{p}\t.",
    ),
    "SAIGE, quantitative": (
        "CHR\tPOS\tMarkerID\tAllele1\tAllele2\tAC_Allele2\tAF_Allele2\tMissingRate\tBETA\tSE\tTstat\tvar\tp.value\tN",
        "7\t{pos}\t{id}\t{oa}\t{ea}\t30\t0.3\t0\t{beta}\t1\t1\t1\t{p}\t90",
    ),
    "SAIGE, binary, 0.3": (
        "CHR POS SNPID Allele1 Allele2 AC_Allele2 AF_Allele2 imputationInfo N BETA SE Tstat p.value p.value.NA Is.SPA.converge varT varTstar",
        "7 {pos} {id} {oa} {ea} 30 0.3 1 90 {beta} 1 1 {p} 0.9 1 1 1",
    ),
    "regenie": (
        "##MASKS=<a=b>\nCHROM GENPOS ID ALLELE0 ALLELE1 A1FREQ INFO N TEST BETA SE CHISQ LOG10P EXTRA",
        "7 {pos} {id} {oa} {ea} 0.3 1 90 ADD {beta} 1 1 {log} NA",
    ),
    "BOLT-LMM": (
        "SNP\tCHR\tBP\tGENPOS\tALLELE1\tALLELE0\tA1FREQ\tF_MISS\tBETA\tSE\tP_BOLT_LMM_INF\tP_BOLT_LMM",
        "{id}\t7\t{pos}\t0.1\t{ea}\t{oa}\t0.3\t0\t{beta}\t1\t0.9\t{p}",
    ),
    "BOLT-LMM, infinitesimal": (
        "SNP\tCHR\tBP\tGENPOS\tALLELE1\tALLELE0\tA1FREQ\tF_MISS\tBETA\tSE\tP_BOLT_LMM_INF",
        "{id}\t7\t{pos}\t0.1\t{ea}\t{oa}\t0.3\t0\t{beta}\t1\t{p}",
    ),
    "GCTA fastGWA": (
        "CHR\tSNP\tPOS\tA1\tA2\tN\tAF1\tBETA\tSE\tP",
        "7\t{id}\t{pos}\t{ea}\t{oa}\t90\t0.3\t{beta}\t1\t{p}",
    ),
    "GCTA mlma": (
        "Chr\tSNP\tbp\tA1\tA2\tFreq\tb\tse\tp",
        "7\t{id}\t{pos}\t{ea}\t{oa}\t0.3\t{beta}\t1\t{p}",
    ),
    "GCTA COJO .ma": ("SNP A1 A2 freq b se p N", "{id} {ea} {oa} 0.3 {beta} 1 {p} 90"),
    "GCTA COJO .jma": (
        "Chr\tSNP\tbp\trefA\tfreq\tb\tse\tp\tn\tfreq_geno\tbJ\tbJ_se\tpJ\tLD_r",
        "7\t{id}\t{pos}\t{ea}\t0.3\t{beta}\t1\t{p}\t90\t0.3\t8\t1\t0.9\t0",
    ),
    "GEMMA": (
        "chr\trs\tps\tn_miss\tallele1\tallele0\taf\tbeta\tse\tlogl_H1\tl_remle\tp_wald",
        "7\t{id}\t{pos}\t0\t{ea}\t{oa}\t0.3\t{beta}\t1\t1\t1\t{p}",
    ),
    "METAL": (
        "MarkerName\tAllele1\tAllele2\tFreq1\tFreqSE\tEffect\tStdErr\tP-value\tDirection",
        "{id}\t{ea_small}\t{oa_small}\t0.3\t0\t{beta}\t1\t{p}\t++",
    ),
    "GWAS-SSF": (
        "chromosome\tbase_pair_location\teffect_allele\tother_allele\tbeta\tstandard_error\teffect_allele_frequency\tp_value\tvariant_id\trsid\tref_allele",
        "7\t{pos}\t{ea}\t{oa}\t{beta}\t1\t0.3\t{p}\tx\t{id}\tOA",
    ),
    "GWAS-SSF, log p and odds": (
        "chromosome\tbase_pair_location\teffect_allele\tother_allele\todds_ratio\tstandard_error\teffect_allele_frequency\tneg_log_10_p_value",
        "7\t{pos}\t{ea}\t{oa}\t{ratio}\t1\t0.3\t{log}",
    ),
    "GWAS Catalog, beta NA": (
        "variant_id\tp_value\tchromosome\tbase_pair_location\teffect_allele\tother_allele\teffect_allele_frequency\todds_ratio\tci_lower\tci_upper\tbeta\tstandard_error",
        "{id}\t{p}\t7\t{pos}\t{ea}\t{oa}\tNA\t{ratio}\tNA\tNA\tNA\t1",
    ),
    "SAIGE, without frequencies": (
        "CHR\tPOS\tMarkerID\tAllele1\tAllele2\tBETA\tSE\tTstat\tvar\tp.value",
        "7\t{pos}\t{id}\t{oa}\t{ea}\t{beta}\t1\t1\t1\t{p}",
    ),
    "A1, A2 and the effect allele": (
        "SNP\tA1\tA2\tEFFECT_ALLELE\tBETA\tP",
        "{id}\tA\tG\t{ea}\t{beta}\t{p}",
    ),
    **{
        f"A1, A2 and {name}": (
            f"SNP\tA1\tA2\t{name}\tBETA\tP",
            "{id}\tA\tG\t{ea}\t{beta}\t{p}",
        )
        for name in ("EFF_ALLELE", "effallele", "CODED_ALLELE", "coded_all", "Tested_Allele")
    },
    "the risk allele alone": (
        "SNP\tRISK_ALLELE\tNON_RISK_ALLELE\tBETA\tP",
        "{id}\t{ea}\t{oa}\t{beta}\t{p}",
    ),
    "an allele column that is always A1": (
        "SNP\tA1\tA2\tMINOR_ALLELE\tBETA\tP",
        "{id}\t{ea}\t{oa}\t{ea}\t{beta}\t{p}",
    ),
    "an allele column of another kind": (
        "SNP\tA1\tA2\tANCESTRAL_ALLELE\tBETA\tP",
        "{id}\t{ea}\t{oa}\t.\t{beta}\t{p}",
    ),
    "daner": (
        "CHR\tSNP\tBP\tA1\tA2\tFRQ_A_9\tFRQ_U_9\tINFO\tOR\tSE\tP\tngt\tDirection",
        "7\t{id}\t{pos}\t{ea}\t{oa}\t0.3\t0.3\t1\t{ratio}\t1\t{p}\t0\t++",
    ),
    "GIANT": (
        "CHR\tPOS\tSNP\tTested_Allele\tOther_Allele\tFreq_Tested_Allele\tBETA\tSE\tP\tN",
        "7\t{pos}\t{id}\t{ea}\t{oa}\t0.3\t{beta}\t1\t{p}\t90",
    ),
    "commas": (
        '"SNP","EA","NEA","BETA","P"',
        '"{id}","{ea}","{oa}",{beta},{p}',
    ),
}  # fmt: skip


def rows_of(template: str, effects=EFFECTS) -> str:
    rows = []
    for effect in effects:
        more = {"ratio": np.exp(effect["beta"]), "log": -np.log10(effect["p"])}
        small = {"ea_small": effect["ea"].lower(), "oa_small": effect["oa"].lower()}
        rows.append(template.format(**effect, **more, **small))
    return "\n".join(rows) + "\n"


def write(folder, text, name="gwas.txt"):
    (folder / name).write_text(text)
    return folder / name


@pytest.fixture
def store(tmp_path):
    return store_of(tmp_path / "7.zarr.zip", np.zeros((3, 2, 2)), people_of(["a", "b"]), contig="7")


@pytest.mark.parametrize("program", FORMATS)
def test_every_program_is_read_with_its_effect_allele(tmp_path, store, program):
    heading, template = FORMATS[program]
    path = write(tmp_path, heading + "\n" + rows_of(template))
    found = harmonise(read_summary_statistics(path), [store])
    np.testing.assert_allclose(found.table["beta"], BETA_OF_ALT, rtol=1e-6)
    np.testing.assert_allclose(found.table["p"], [0.01, 0.5, 1e-8], rtol=1e-6)
    assert (found.counts["aligned"], found.counts["flipped"]) == (3, 1)
    assert found.counts["other_tests"] == 3 * template.count("\n")


def test_finngen_names_the_effect_allele_alt(tmp_path, store):
    heading = "#chrom\tpos\tref\talt\trsids\tnearest_genes\tpval\tmlogp\tbeta\tsebeta\taf_alt"
    template = "7\t{pos}\t{oa}\t{ea}\t{id}\tX\t{p}\t{log}\t{beta}\t1\t0.3"
    found = harmonise(
        read_summary_statistics(write(tmp_path, f"{heading}\n{rows_of(template)}")), [store]
    )
    np.testing.assert_allclose(found.table["beta"], BETA_OF_ALT)


def test_an_effect_allele_that_is_neither_ref_nor_alt_fits_nothing(tmp_path, store):
    heading, template = FORMATS["plink2 --glm, old"]
    text = rows_of(template).replace("\tA\tG\tG\t", "\tA\tG\tT\t")
    found = harmonise(read_summary_statistics(write(tmp_path, f"{heading}\n{text}")), [store])
    assert (found.counts["aligned"], found.counts["other_alleles"]) == (1, 2)


NO_EFFECT = "no column for beta .or odds ratio."
REFUSED = {
    "plink1.9 --model": ("CHR SNP A1 A2 TEST AFF UNAFF CHISQ DF P\n7 v0 G A TREND 1/2 3/4 1 1 0.1\n", NO_EFFECT),
    "plink1.9 --assoc of a number": ("CHR SNP BP NMISS BETA SE R2 T P\n7 v0 1 9 1 1 1 1 0.1\n", "no column for effect_allele; found CHR"),
    "LDSC": ("SNP\tA1\tA2\tN\tZ\nv0\tG\tA\t9\t1.2\n", "no column for beta .or odds ratio.; found SNP, A1, A2, N, Z. A Z-score is no effect"),
    "METAL, by sample size": ("MarkerName\tAllele1\tAllele2\tWeight\tZscore\tP-value\tDirection\nv0\tg\ta\t9\t1\t0.1\t+\n", NO_EFFECT),
    "UK Biobank, Neale": ("variant\tminor_allele\tminor_AF\tbeta\tse\ttstat\tpval\n7:1:A:G\tG\t0.1\t0.1\t1\t1\t0.1\n", "no column for effect_allele"),
    "SNPTEST": ("alternate_ids rsid chromosome position alleleA alleleB frequentist_add_pvalue frequentist_add_beta_1\n. v0 7 1 A G 0.1 0.1\n", "no column for effect_allele, p, beta"),
    "a VCF": ("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n7\t1\tv0\tA\tG\t.\t.\tAF=1\n", "no column for p, beta"),
    "dominant": ("CHR SNP BP A1 TEST NMISS OR STAT P\n7 v0 1 G DOM 9 1.1 1 0.1\n7 v0 1 G age 9 1.1 1 0.1\n", "column 'TEST' holds DOM, age and no ADD"),
    "log odds called OR": ("SNP A1 OR P\nv0 G 1.2 0.1\nv1 G -0.2 0.1\n", "line 3: the odds ratio 'OR' is below 0"),
    "log10 p": ("SNP A1 BETA LOG10P\nv0 G 1.2 -3\n", "line 2: 'LOG10P' is below 0"),
    "-log10(p) called P": ("SNP A1 BETA P\nv0 G 1.2 3.1\nv1 G 1.2 7\n", "line 2: 'P' is 3.1, and a p-value is at most 1; is it -log10.p.. Then name the column LOG10P"),
    "decimal commas": ("SNP;A1;BETA;P\nv0;G;1,2;0,1\n", "line 2: BETA is '1,2'. Numbers are written with a decimal point"),
    "one decimal comma": ("SNP;A1;BETA;P\nv0;G;1.2;0.1\nv1;G;0;2,5e-8\n", "line 3: P is '2,5e-8'"),
    "thousands": ('SNP,CHR,BP,A1,BETA,P\nv0,7,"1,234,567",G,1,0.1\n', "line 2: BP is '1,234,567'"),
    "half a base pair": ("SNP CHR BP A1 BETA P\nv0 7 10.5 G 1 0.1\n", "line 2: BP 10.5 is no position"),
    "one -log10(p) above 1": ("SNP A1 BETA P\nv0 G 1.2 0.1\nv1 G 1.2 7.3\n", "line 3: 'P' is 7.3"),
    "allele codes": ("SNP A1 A2 BETA P\nv0 1 3 1.2 0.1\n", "the effect alleles are 1, and A, C, G or T"),
    "PGS Catalog": ("#pgs_id=PGS1\nrsID\teffect_allele\teffect_weight\nv0\tG\t0.1\n", "a polygenic score .* give|Give the GWAS"),
    "PRS-CS": ("7 v0 1 G A 0.001\n7 v1 2 G A 0.001\n", "The first line holds data: put a heading above it"),
    "GWAS Catalog, hits": ("SNPS\tSTRONGEST SNP-RISK ALLELE\tP-VALUE\tOR or BETA\nv0\tv0-G\t1E-8\t1.1\n", "give the full summary statistics"),
    "GWAS-VCF": ("##x\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n7\t1\tv0\tA\tG\t.\t.\t.\tES:LP\t.1:2\n", "bcftools query"),
    "Pan-UK Biobank": ("chr\tpos\tref\talt\tbeta_EUR\tneglog10_pval_EUR\n7\t1\tA\tG\t.1\t2\n", "columns of populations .beta_EUR"),
    "two columns of the same name": ("SNP A1 BETA P p\nv0 G 1 0.1 0.2\n", "the columns 'P' and 'p' mean the same"),
    "opposite": ("SNP A1 BETA OR P\nv0 G 0.5 0.6 0.2\nv1 G 0.004 0.99 0.2\n", "line 2: 'BETA' and 'OR' say opposite effects"),
    "another column of alleles": ("SNP A1 A2 INC_ALLELE BETA P\nv0 G A G 1 0.1\nv1 G A a 1 0.2\n", "'INC_ALLELE' holds now one, now the other .* 'A1' may not be .* EFFECT_ALLELE"),
    "alleles of METAL and another": ("SNP Allele1 Allele2 Minor BETA P\nv0 g a A 1 0.1\n", "'Minor' holds now one"),
    "a risk allele beside A1": ("SNP A1 A2 RISK_ALLELE BETA P\nv0 G A G 1 0.1\n", "alleles in 'RISK_ALLELE' or in 'A1'"),
    "odds ratios called BETA": ("SNP A1 BETA P\n" + "".join(f"v{i} G {0.9 + i / 40} 0.1\n" for i in range(8)), "'BETA' is above 0 in every row, and 0.988 .* Then name the column OR"),
    "a heading alone": ("SNP CHR BP A1 A2 BETA P\n", "holds no row below its heading"),
    "an endless position": ("SNP CHR BP A1 BETA P\nv0 7 inf G 1 0.1\n", "line 2: BP inf is no position"),
    "a position below 0": ("SNP CHR BP A1 BETA P\nv0 7 -5 G 1 0.1\n", "line 2: BP -5 is no position"),
    "a position of 30 digits": ("SNP CHR BP A1 BETA P\nv0 7 1e30 G 1 0.1\n", "line 2: BP 1e.30 is no position"),
    "a locus without a position": ('locus\talleles\tbeta\tp_value\nchr7\t["A","C"]\t0.1\t0.2\n', "line 2: the locus 'chr7' is no chromosome and position"),
    "only missing": ("SNP A1 BETA OR P\nv0 G NA NA 0.2\n", "no row has an effect"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_right_is_refused(tmp_path, kind):
    text, message = REFUSED[kind]
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        read_summary_statistics(path)
    assert f"selection.statistics: {path}" in str(caught.value)


def test_rows_sorted_by_p_do_not_bring_the_covariate_first(tmp_path, store):
    heading, template = FORMATS["plink2 --glm, old"]
    lines = rows_of(template).splitlines()
    text = "\n".join([heading, *sorted(lines, key=lambda line: float(line.split("\t")[-1]))]) + "\n"
    found = harmonise(read_summary_statistics(write(tmp_path, text)), [store])
    np.testing.assert_allclose(found.table["beta"], BETA_OF_ALT)
    assert found.counts["repeated"] == 0


def test_rows_without_an_effect_of_their_own(tmp_path):
    text = "SNP A1 BETA OR P LOG10P\nv0 G NA 2 NA 3\nv1 G 0.5 9 0.2 9\nv2 G . . 0.1 .\n"
    table = read_summary_statistics(write(tmp_path, text))
    np.testing.assert_allclose(table["beta"], [np.log(2), 0.5, np.nan])
    np.testing.assert_allclose(table["p"], [1e-3, 0.2, 0.1])


@pytest.mark.parametrize("betas", [[0.9] * 7 + [-0.9], [0.3] * 8, [2.0] * 8, [1.0] * 7])
def test_effects_that_may_be_logarithms_are_read(betas, tmp_path):
    rows = "".join(f"v{i} G {beta} 0.1\n" for i, beta in enumerate(betas))
    table = read_summary_statistics(write(tmp_path, "SNP A1 BETA P\n" + rows))
    assert table["beta"].tolist() == betas


def test_positions_in_ids_are_named(tmp_path, store):
    text = "MarkerName A1 A2 BETA P\nchr7:1000:A:G G A .5 .01\n7:2000 G A .5 .01\n"
    with pytest.raises(InputError, match="write these into columns CHR and BP"):
        harmonise(read_summary_statistics(write(tmp_path, text)), [store])


def test_large_tables_come_in_blocks(tmp_path, store, monkeypatch):
    monkeypatch.setattr("syncohort.formats.tables._BLOCK_BYTES", 40)
    for program in ("plink2 --glm, old", "SAIGE, quantitative", "GCTA COJO .ma"):
        heading, template = FORMATS[program]
        path = write(tmp_path, heading + "\n" + rows_of(template))
        found = harmonise(read_summary_statistics(path), [store])
        np.testing.assert_allclose(found.table["beta"], BETA_OF_ALT)


# --- what plink1.9 and plink2 write themselves


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Genotypes whose minor allele is ALT in one half and REF in the other, a number and a cov."""
    folder = tmp_path_factory.mktemp("gwas")
    rng = np.random.default_rng(4)
    frequency = np.repeat([0.3, 0.7], 10)
    calls = (rng.random((20, 120, 2)) < frequency[:, None, None]).astype(np.int8)
    store = store_of(folder / "7.zarr.zip", calls, people_of(["a"] * 120), contig="7")
    dosage = calls.sum(axis=2)
    age = rng.normal(size=120)
    number = dosage[2] - dosage[12] + age + rng.normal(size=120)
    write_plink([store], folder / "x", phenotype=[f"{value:.6f}" for value in number])
    table = pd.DataFrame({"FID": store.people.id, "IID": store.people.id, "age": age})
    table.to_csv(folder / "age.txt", sep=" ", index=False)
    return folder, store, dosage, number, age


def run(folder, command):
    if which(command.split()[0]) is None:
        pytest.skip(f"{command.split()[0]} is not installed")
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("plink1.9 --bfile x --linear --covar age.txt --allow-no-sex --out a", "a.assoc.linear"),
        ("plink1.9 --bfile x --linear hide-covar --covar age.txt --allow-no-sex --out a", "a.assoc.linear"),
        ("plink2 --bfile x --glm --covar age.txt --out a", "a.PHENO1.glm.linear"),
        ("plink2 --bfile x --glm omit-ref --covar age.txt --out a", "a.PHENO1.glm.linear"),
        ("plink2 --bfile x --glm log10 cols=+ax --covar age.txt --out a", "a.PHENO1.glm.linear"),
        ("plink2 --bfile x --glm hide-covar cols=chrom,pos,ax,test,beta,p --covar age.txt --out a", "a.PHENO1.glm.linear"),
    ],
)  # fmt: skip
def test_effects_of_plink_are_those_of_least_squares(study, command, name):
    folder, store, dosage, number, age = study
    run(folder, command)
    found = harmonise(read_summary_statistics(folder / name), [store])
    design = [np.column_stack([each, np.ones(120), age]) for each in dosage]
    expected = [np.linalg.lstsq(each, number, rcond=None)[0][0] for each in design]
    assert found.counts["aligned"] == 20 and found.counts["repeated"] == 0
    assert found.counts["other_tests"] == (0 if "hide" in command else 20)
    np.testing.assert_allclose(found.table["beta"], expected, rtol=2e-3, atol=1e-4)


def test_a_code_for_no_position_is_none(tmp_path):
    text = "CHR BP A1 A2 BETA P\n7 100 G A 0.1 0.04\n7 -9 G A 0.1 0.04\n7 NA G A 0.1 0.04\n"
    assert read_summary_statistics(write(tmp_path, text))["position_bp"].tolist() == [100, 0, 0]


HARMONISED = (
    "hm_rsid\thm_chrom\thm_pos\thm_other_allele\thm_effect_allele\thm_beta\thm_odds_ratio\tchromosome\t"
    "base_pair_location\teffect_allele\tother_allele\tbeta\todds_ratio\tp_value\n"
    "v0\t7\t200\tA\tG\t-0.1\tNA\t7\t100\tA\tG\t0.1\tNA\t0.04\n"
)


def test_the_harmonised_columns_of_the_catalog_count_together(tmp_path):
    (row,) = read_summary_statistics(write(tmp_path, HARMONISED)).to_dict("records")
    assert (row["position_bp"], row["effect_allele"], row["other_allele"]) == (200, "G", "A")
    assert (row["beta"], row["p"]) == (-0.1, 0.04)


@pytest.mark.parametrize(
    "text",
    [
        'locus\talleles\tbeta\tp_value\n7:100\t["A","G"]\t0.1\t0.04\n',
        'locus,alleles,beta,p_value\nchr7:100,"[""A"",""G""]",0.1,0.04\n',
        "CHR,BP,A1,A2,BETA,P\n7.0,100.0,G,A,0.1,0.04\n",  # as pandas writes numbers
        "SNP CHR BP A1 A2 Z mtag_beta mtag_se mtag_z mtag_pval\nv0 7 100 G A 9 0.1 1 1 0.04\n",
        "# made by me\n#two words\nCHR BP A1 A2 BETA P\n7 1e+02 G A 0.1 0.04\n",
    ],
)
def test_what_programs_export(tmp_path, text):
    (row,) = read_summary_statistics(write(tmp_path, text)).to_dict("records")
    assert (row["contig"], row["position_bp"]) == ("7", 100)
    assert (row["effect_allele"], row["other_allele"], row["beta"]) == ("G", "A", 0.1)
    assert row["p"] == 0.04


def test_p_values_of_walds_test_and_bounds(tmp_path):
    table = read_summary_statistics(write(tmp_path, "SNP A1 BETA SE\nv0 G 1.959964 1\nv1 G NA 1\n"))
    np.testing.assert_allclose(table["p"], [0.05, np.nan], rtol=1e-6)
    table = read_summary_statistics(write(tmp_path, "SNP A1 BETA Z\nv0 G 0.1 -2.575829\n"))
    np.testing.assert_allclose(table["p"], [0.01], rtol=1e-6)
    table = read_summary_statistics(
        write(
            tmp_path,
            "SNP A1 BETA P\nv0 G 1 <1e-300\nv1 G 1 1.0000001\nv2 G 1 <= 0.1\n".replace("<= ", "<="),
        )
    )
    assert table["p"].tolist() == [1e-300, 1, 0.1]
