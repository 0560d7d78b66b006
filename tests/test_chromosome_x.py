"""Chromosome X from files to files: one copy stays one, and counts once."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from chromosome_x import N_FIRST, N_SECOND, x_calls, x_people, x_store, x_variants
from genotype_files import need, read_whole, run
from latent_cohorts import train_on, training_settings, workplace

from syncohort.association.correlation import LabelledCalls
from syncohort.baselines.alleles import draw_alleles
from syncohort.baselines.block_gaussian import fit_block_gaussian
from syncohort.baselines.wgan_training import Recipe, train_wgan
from syncohort.cohort.filters import filter_variants
from syncohort.cohort.hardy_weinberg import smallest_p_values
from syncohort.cohort.importing import import_chromosome
from syncohort.cohort.phasing import phase_chromosome
from syncohort.cohort.synthetic_people import draw_people
from syncohort.cohort_store import CohortStore
from syncohort.diffusion.process import Process
from syncohort.diffusion.schedules import make_schedule
from syncohort.diffusion.validation import Counted, make_validation
from syncohort.evaluation.models.reconstruction import sum_reconstruction
from syncohort.formats.pgen import write_pgen
from syncohort.formats.plink import write_plink
from syncohort.formats.readers import open_source
from syncohort.formats.sample_sheet import read_sample_sheet, write_sample_sheet
from syncohort.formats.vcf_writing import write_vcf
from syncohort.generators.encoding import encode_people
from syncohort.generators.latents import fit_normalisation
from syncohort.generators.rows import EncodedPeople
from syncohort.genotypes import People, to_rows
from syncohort.global_vector.fitting import fit_global_vector
from syncohort.packed_calls import PackedCalls, masks
from syncohort.ploidy import ABSENT, MALE, doubled, has_one_copy, of_known_sex
from syncohort.representations import load_representation
from syncohort.representations.blocks import assign_genes
from syncohort.representations.gene_pca_fitting import fit_gene_pca
from syncohort.representations.snp_vae_training import SnpVAESettings, fit_snp_vae
from syncohort.synthesis.decoding import Decision, decode_cohort
from syncohort.synthesis.sampling import load_latent_generator

PEOPLE = x_people(60)
ONE_COPY = has_one_copy(x_variants().male_haploid, PEOPLE.sex)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return x_store(tmp_path_factory.mktemp("x") / "X.zip", PEOPLE, missing=0.03)


def imported(tmp_path, path, kind, *, people=PEOPLE, contig="X", build="GRCh37") -> CohortStore:
    """What the study uses of a file: imported, with the people's sex, no variant filtered."""
    out = [tmp_path / name for name in ("raw.zip", "raw.json", "raw.tsv")]
    import_chromosome({"kind": kind, "path": str(path)}, contig, "drop", *out, build=build)
    used = People(people.id, people.label, ["train"] * len(people), sex=people.sex)
    filters = {"maf_min": 0, "variant_missing_max": 1, "hwe_p_min": 0}
    filter_variants(
        CohortStore(out[0]), used, None, tmp_path / "X.zip", tmp_path / "X.json", **filters
    )
    return CohortStore(tmp_path / "X.zip")


def kept_of(store, again) -> np.ndarray:
    """Which variants another store holds too: variants of one allele alone are filtered."""
    return np.isin(store.variants.id, again.variants.id)


def test_one_copy_however_it_is_written():
    calls = np.array([[[0, -2], [1, -1], [-1, 1], [1, 1], [0, 1], [-1, -1], [-1, -2]]], np.int8)
    man, woman = (np.full((1, 7), one) for one in (True, False))
    assert of_known_sex(calls, man)[0, :, 0].tolist() == [0, 1, 1, 1, -1, -1, -1]
    assert (of_known_sex(calls, man)[..., 1] == ABSENT).all()
    whole = [[-1, -1], [1, -1], [-1, 1], [1, 1], [0, 1], [-1, -1], [-1, -1]]
    assert of_known_sex(calls, woman)[0].tolist() == whole
    assert doubled(of_known_sex(calls, man))[0, :4].tolist() == [[0, 0], [1, 1], [1, 1], [1, 1]]
    rows = to_rows(of_known_sex(calls, man), "haplotype", once=True)
    assert (rows[1::2] == -1).all() and rows[::2].T.tolist() == [[0, 1, 1, 1, -1, -1, -1]]
    assert to_rows(of_known_sex(calls, man), "genotype").T.tolist() == [[0, 2, 2, 2, -1, -1, -1]]


def test_a_store_keeps_sex_and_copies(store):
    assert (store.read() == x_calls(PEOPLE, missing=0.03)).all()
    assert (store.people.sex == PEOPLE.sex).all()
    assert (store.variants[40:60].male_haploid == x_variants().male_haploid[40:60]).all()
    assert store.phased
    broken = np.full((190, 60, 2), ABSENT, np.int8)
    with pytest.raises(ValueError, match="-2 for the second allele"):
        x_store(store.path.with_name("other.zip"), PEOPLE, broken)


def test_vcf_has_one_allele_where_there_is_one_copy(store, tmp_path):
    need("bcftools")
    write_vcf(store, tmp_path / "x.vcf.gz")
    found = run("bcftools", "query", "-f", "[%GT ]\\n", tmp_path / "x.vcf.gz")
    calls = store.read()
    for words, own in zip(found.splitlines(), calls, strict=True):
        expected = [
            ("." if a < 0 else f"{a}") if b == ABSENT else ("./." if a < 0 else f"{a}|{b}")
            for a, b in own
        ]
        assert words.split() == expected
    again = imported(tmp_path, tmp_path / "x.vcf.gz", "vcf")
    assert (again.read() == calls[kept_of(store, again)]).all() and again.phased


@pytest.mark.parametrize("kind", ["plink", "pgen"])
def test_plink_files_have_sex_and_the_shared_ends_apart(kind, store, tmp_path):
    need("plink2")
    write, bfile = (write_plink, "--bfile") if kind == "plink" else (write_pgen, "--pfile")
    write([store], tmp_path / "c")
    said = run("plink2", bfile, tmp_path / "c", "--export", "vcf", "--out", tmp_path / "again")
    assert "Warning" not in said and "30 females, 30 males" in said
    people = open_source(kind, str(tmp_path / "c")).people_columns()
    assert people["sex"].astype(int).tolist() == PEOPLE.sex.tolist()
    # plink2 writes males of X with one allele
    text = (tmp_path / "again.vcf").read_text().splitlines()
    words = {row.split("\t")[2]: row.split("\t") for row in text if not row.startswith("#")}
    for name, own in zip(store.variants.id, store.read(), strict=True):
        single = [len(word) == 1 for word in words[name][9:]]
        assert single == (own[:, 1] == ABSENT).tolist()
    again = imported(tmp_path, tmp_path / "c", kind, build="none")
    calls, own = again.read(), store.read()[kept_of(store, again)]
    assert (np.sort(doubled(calls), axis=2) == np.sort(doubled(own), axis=2)).all()
    assert ((calls[..., 1] == ABSENT) == (own[..., 1] == ABSENT)).all()
    shared = "XY" if kind == "plink" else "PAR1"
    _, first, *_ = read_whole(open_source(kind, str(tmp_path / "c")), shared)
    assert (np.sort(first[:20]) == np.sort(store.read(slice(0, 20)))).all()


def test_plink19_reads_the_files_and_counts_men_once(store, tmp_path):
    need("plink1.9")
    write_plink([store], tmp_path / "c")
    run("plink1.9", "--bfile", tmp_path / "c", "--freq", "counts", "--out", tmp_path / "f")
    counts = pd.read_csv(tmp_path / "f.frq.counts", sep=r"\s+").set_index("SNP")
    ours = PackedCalls.of(store.read()).count(masks(np.ones((1, 60), bool)))
    counts = counts.loc[list(store.variants.id)]
    alt = np.where(counts["A1"] == "G", counts["C1"], counts["C2"])
    assert (alt == ours.alt[:, 0]).all()
    assert ((counts["C1"] + counts["C2"]).to_numpy() == ours.alleles[:, 0]).all()


def test_frequencies_and_hardy_weinberg_are_plink2s(store, tmp_path):
    need("plink2")
    write_pgen([store], tmp_path / "c")
    run("plink2", "--pfile", tmp_path / "c", "--freq", "--hardy", "--out", tmp_path / "p")
    ours = PackedCalls.of(store.read()).count(masks(np.ones((1, 60), bool)))
    theirs = pd.read_csv(tmp_path / "p.afreq", sep="\t").set_index("ID").loc[store.variants.id]
    assert (theirs["OBS_CT"].to_numpy() == ours.alleles[:, 0]).all()
    frequency = ours.alt[:, 0] / ours.alleles[:, 0]
    np.testing.assert_allclose(theirs["ALT_FREQS"], frequency, rtol=1e-5)
    hardy = pd.read_csv(tmp_path / "p.hardy.x", sep="\t").set_index("ID")
    women = masks((PEOPLE.sex != MALE)[None])
    p = pd.Series(smallest_p_values(PackedCalls.of(store.read()).count(women)), store.variants.id)
    own = store.variants.id[store.variants.male_haploid]
    assert set(hardy.index) == set(own)
    het = pd.Series(PackedCalls.of(store.read()).count(women).het[:, 0], store.variants.id)
    assert (hardy["FEMALE_HET_A1_CT"] == het[hardy.index]).all()
    # plink2's P of X has males in it (Graffelman and Weir 2016): compared without them
    run("plink2", "--pfile", tmp_path / "c", "--keep-females", "--hardy", "--out", tmp_path / "w")
    alone = pd.read_csv(tmp_path / "w.hardy.x", sep="\t").set_index("ID")
    np.testing.assert_allclose(alone["P"], p[alone.index], rtol=1e-4)


def test_men_count_once_in_what_is_filtered(tmp_path):
    calls = x_calls(PEOPLE)
    male = PEOPLE.sex == MALE
    calls[30, :, 0], calls[30, ~male, 1] = male, 0  # ALT is 30 of 90 alleles
    calls[31, male, 0] = -1  # a third of the alleles are missing
    raw = x_store(tmp_path / "raw.zip", PEOPLE, calls)
    used = People(PEOPLE.id, PEOPLE.label, ["train"] * 60, sex=PEOPLE.sex)
    for maf, missing in ((0.32, 0.32), (0.34, 0.34)):
        filters = {"maf_min": maf, "variant_missing_max": missing, "hwe_p_min": 0}
        filter_variants(raw, used, None, tmp_path / "X.zip", tmp_path / "X.json", **filters)
        kept = set(CohortStore(tmp_path / "X.zip").variants.id)
        assert ("x30" in kept) == (maf < 1 / 3)
        dropped = json.loads((tmp_path / "X.json").read_text())["dropped"]
        assert dropped["missing calls"] == (missing < 1 / 3)


def test_a_sample_sheet_says_the_sex(tmp_path):
    write_sample_sheet(PEOPLE, tmp_path / "s.tsv")
    assert (tmp_path / "s.tsv").read_text().splitlines()[:2] == [
        "sample_id\tlabel\tsex",
        "p0\ta\tmale",
    ]
    assert (read_sample_sheet(tmp_path / "s.tsv").sex == PEOPLE.sex).all()


# --- the model


TRAINING = x_people(60, splits=(["train"] * 40 + ["validation"] * 10 + ["holdout"] * 10))


@pytest.fixture(scope="module")
def encoded(tmp_path_factory):
    """A store, a gene PCA fitted to its training people, and everybody's latents."""
    folder = tmp_path_factory.mktemp("model")
    store = x_store(folder / "X.zip", TRAINING)
    blocks = assign_genes(store.variants, None, intergenic="own", max_snps=N_FIRST // 2)
    train = TRAINING.split == "train"
    model = fit_gene_pca(store, blocks, train=train, mode="haplotype", max_components=4)
    files = folder / "X.npy", folder / "X.npz"
    encode_people([store], model, *files)
    people = EncodedPeople.read(files[:1], files[1:], store.people, "haplotype")
    return store, model, people


def test_a_pca_is_fitted_to_the_haplotypes_there_are(encoded):
    store, model, _ = encoded
    calls = store.read(samples=TRAINING.split == "train")
    alleles = calls.reshape(len(calls), -1)
    there = alleles[100] >= 0  # outside the shared ends
    assert there.sum() == 60
    np.testing.assert_allclose(model.mean[100], alleles[100, there].mean(), rtol=1e-6)
    np.testing.assert_allclose(model.mean[3], alleles[3].mean(), rtol=1e-6)
    block = model.blocks.iloc[5]
    own = slice(block["first_variant"], block["first_variant"] + block["n_variants"])
    centred = alleles[own, there] - alleles[own, there].mean(axis=1, keepdims=True)
    leading = np.linalg.svd(centred)[0][:, 0]
    assert abs(leading @ model.loadings[own, 0]) == pytest.approx(1, abs=1e-4)


def test_latents_know_what_is_of_one_copy(encoded):
    _, model, people = encoded
    assert people.rows.is_second.tolist() == [False, True, False, False] * 25
    ends = np.repeat(np.arange(len(model.mask)), model.blocks["n_variants"])[[0, 19, 20, -11, -10]]
    assert ends[1] < ends[2] and ends[3] < ends[4]
    own = (np.arange(len(model.mask)) >= ends[2]) & (np.arange(len(model.mask)) <= ends[3])
    np.testing.assert_array_equal(people.one_copy, own)
    latents = np.load(people.paths[0]).astype(np.float32)
    assert (latents[1::4, own] == latents[::4, own]).all()
    assert (latents[1::4, ~own] != latents[::4, ~own]).any()


def test_class_means_and_the_loss_leave_the_second_copy_out(encoded):
    _, model, people = encoded
    latents, rows, own = np.load(people.paths[0]).astype(np.float32), people.rows, people.one_copy
    options = {"n_classes": 2, "residual_from_class_mean": True, "scaling": "unit"}
    given = {"one_copy": own, "is_second": rows.is_second}
    fitted = fit_normalisation(latents, rows.labels, model.mask, **options, **given)
    for label in range(2):
        first = (rows.labels == label) & ~rows.is_second
        np.testing.assert_allclose(fitted.center[label, own], latents[first][:, own].mean(axis=0), atol=1e-5)  # fmt: skip
        everybody = latents[rows.labels == label][:, ~own].mean(axis=0)
        np.testing.assert_allclose(fitted.center[label, ~own], everybody, atol=1e-5)
    process = Process(make_schedule("cosine", 10), "x0", torch.from_numpy(model.mask))
    counted = Counted.of(people, torch.device("cpu"))
    at = torch.arange(4)
    x0, noise = torch.from_numpy(latents[:4]), torch.zeros(4, *model.mask.shape)

    def losses(data):
        nothing = lambda x, *_: torch.zeros_like(x)
        return process.row_losses(nothing, data, torch.full((4,), 5), noise, None, counted[at])

    before, changed = losses(x0), x0.clone()
    changed[:, own] += 1 * process.mask[own]
    assert (losses(changed) == before).tolist() == [False, True, False, False]
    changed[:, ~own] += 1 * process.mask[~own]
    assert (losses(changed) != before).all()


def test_what_does_not_count_makes_no_error_smaller(encoded):
    """A validation is that of the errors that count, whatever share of the rows that is."""
    _, model, people = encoded
    process = Process(make_schedule("cosine", 10), "x0", torch.from_numpy(model.mask))
    x0 = torch.ones(len(people.rows), *model.mask.shape) * process.mask
    labels, is_validation = people.rows.labels, people.rows.is_validation
    given = (process, "uniform", x0, torch.from_numpy(labels), labels, is_validation)
    counted = Counted.of(people, torch.device("cpu"))
    share = counted.share(torch.arange(4), process.mask)
    numbers = model.mask.sum(axis=1)
    expected = 1 - numbers[people.one_copy].sum() / numbers.sum()
    np.testing.assert_allclose(share, [1, expected, 1, 1], rtol=1e-6)
    found = [
        make_validation(*given, batch_size=32, seed=1, counted=each).measure(
            lambda x, *_: torch.zeros_like(x)
        )
        for each in (None, counted)
    ]
    for name in ("loss", "train_loss_fixed", "reconstruction_error", "error_t0.5"):
        assert found[1][name] == pytest.approx(found[0][name], rel=1e-5)


ROUNDING = Decision("rounding", rare_margin=0.4, common_margin=0.1, label_margin=0.05)


def latents_fitted(kind, people, folder) -> dict:
    """What a kind of generator takes from latents, without what is trained step by step."""
    path = folder / "checkpoint"
    if kind == "global vector":
        found = fit_global_vector(people, n_axes=3, residual_from_class_mean=True, seed=1)
        return {"axes": found.axes, "offsets": found.offsets, "scale": found.model.scale}
    if kind == "block_gaussian":
        fit_block_gaussian(people, checkpoint_path=path)
        return load_latent_generator(path).tensors()
    if kind == "wgan":
        recipe = Recipe(seed=1, noise=8, widths=(8,), epochs=2)
        train_wgan(people, recipe, checkpoint_path=path, device="cpu")
        return load_latent_generator(path).tensors()
    options = {"denoiser": {"kind": "mlp", "widths": [32, 32]}, "schedule": "cosine", "n_steps": 10}
    training = {"epochs": 1, "batch_size": 32, "learning_rate": 1e-3, "device": "cpu", "seed": 1}
    train_on(people, path, **options, **training)
    prior = load_latent_generator(path).prior
    return {name: getattr(prior, name) for name in ("variance", "factors", "factor_variance")}


@pytest.mark.parametrize("kind", ["global vector", "block_gaussian", "wgan", "diffusion prior"])
def test_generators_take_nothing_from_a_second_row_without_a_copy_of_its_own(
    kind, encoded, tmp_path
):
    """A chromosome 22 of all people, then X: what second rows of men hold there changes nothing."""
    _, model, people = encoded
    random = np.random.default_rng(1)
    latents = np.load(people.paths[0]).astype(np.float32)
    latents = np.tile(latents, (3, 1, 1)) + 0.05 * random.standard_normal((1, *latents.shape[1:]))
    latents = (latents * model.mask).astype(np.float32)
    several = {
        name: np.tile(getattr(people.rows, name), 3)
        for name in ("sample_id", "haplotype", "labels", "is_validation", "is_second")
    }
    rows = replace(people.rows, **several)
    second = np.ix_(rows.is_second, people.one_copy)
    found = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        np.save(folder / "22.npy", latents[:, :6])
        latents[second] = random.standard_normal(latents[second].shape)
        latents *= model.mask
        np.save(folder / "X.npy", latents)
        masks = [model.mask[:6], model.mask]
        haploid = [np.zeros(6, bool), people.male_haploid[0]]
        paths = [folder / "22.npy", folder / "X.npy"]
        given = EncodedPeople(paths, masks, rows, haploid)
        found.append(latents_fitted(kind, given, folder))
    for name, first in found[0].items():
        assert np.isfinite(np.asarray(first)).all()
        np.testing.assert_array_equal(first, found[1][name], err_msg=name)


def test_a_block_gaussian_has_the_covariance_of_the_haplotypes_there_are(encoded, tmp_path):
    _, _, people = encoded
    fit_block_gaussian(people, checkpoint_path=tmp_path / "c", shrinkage=0.0)
    model = load_latent_generator(tmp_path / "c")
    labels = np.zeros(20_000, np.int64)
    drawn = model.drawer(torch.device("cpu"))(labels, 1, 0)[:, 10]  # a block in the middle of X
    rows = people.rows
    kept = (rows.labels == 0) & ~rows.is_validation & ~rows.is_second
    latents = np.load(people.paths[0]).astype(np.float64)[:, 10]
    np.testing.assert_allclose(drawn.mean(axis=0), latents[kept].mean(axis=0), atol=0.05)
    there = ~rows.is_validation & ~rows.is_second
    centred = latents[there] - np.stack(
        [latents[there & (rows.labels == label)].mean(axis=0) for label in rows.labels[there]]
    )
    expected = centred.T @ centred / there.sum()
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=0.05 * expected.max())


def test_an_autoencoder_is_fitted_to_the_haplotypes_there_are(encoded, tmp_path):
    store, _, _ = encoded
    section = {"patch_snps": 4, "width": 8, "widths": [8], "blocks_per_level": 1}
    section |= {"decoder_blocks": 1, "latent_channels": 2, "groups": 4, "attention_bias": True}
    section |= {"kl_weight": 1e-3, "learned_scale": True, "discriminator": None}
    training = training_settings(epochs=1, batch_size=32, learning_rate=1e-3)
    work, options = workplace(tmp_path / "c", {}), {"mode": "haplotype", "seed": 1, "device": "cpu"}
    fit_snp_vae([store], SnpVAESettings.of(section), training, work, **options)
    calls = store.read(samples=TRAINING.split == "train")
    alleles = calls.reshape(len(calls), -1)
    there = alleles[100] >= 0  # outside the shared ends
    mean = load_representation(tmp_path / "c").mean
    np.testing.assert_allclose(mean, alleles[:, there].mean(axis=1), rtol=1e-6)


def test_reconstruction_counts_one_copy_once_and_as_no_genotype(encoded):
    store, model, _ = encoded
    sums = sum_reconstruction([store], model, {"all": TRAINING.split == "train"})["all"]
    own, n_men = store.variants.male_haploid, 20
    assert (sums.alleles == np.where(own, 80 - n_men, 80)).all()
    people = sums.hom_ref + sums.het + sums.hom_alt
    assert (people == np.where(own, 40 - n_men, 40)).all()


def test_drawn_men_have_one_copy_outside_the_shared_ends(encoded, tmp_path):
    store, model, people = encoded
    drawn = draw_people(store.people, labels="matched", people=50, seed=3)
    assert 10 <= (drawn.sex == MALE).sum() <= 40
    options = {"first_position": 0, "decision": ROUNDING, "seed": 1}
    decode_cohort(people.paths, model, store, drawn, tmp_path / "X.zip", **options)
    calls = CohortStore(tmp_path / "X.zip").read()
    one_copy = has_one_copy(store.variants.male_haploid, drawn.sex)
    assert ((calls[..., 1] == ABSENT) == one_copy).all() and (calls[..., 0] >= 0).all()
    assert (CohortStore(tmp_path / "X.zip").people.sex == drawn.sex).all()


def test_drawn_sexes_are_those_of_the_label():
    sex = np.array([1, 1, 1, 2] * 5 + [2] * 10)
    people = People([f"p{i}" for i in range(30)], ["a"] * 20 + ["b"] * 10, ["train"] * 30, sex=sex)
    men = []
    for seed in range(5):
        drawn = draw_people(people, labels="balanced", people=400, seed=seed)
        men.append((drawn.sex[drawn.label == "a"] == MALE).sum())
    assert np.abs(np.array(men) - 150).max() < 4 * np.sqrt(200 * 0.75 * 0.25)
    assert len(set(men)) > 1  # drawn: no exact count is handed on
    assert not (drawn.sex[drawn.label == "b"] == MALE).any()
    assert draw_people(people[:0:-1], labels="matched", seed=1).has_sexes
    unknown = People(people.id, people.label, people.split)
    assert not draw_people(unknown, labels="matched", seed=1).has_sexes


@pytest.mark.parametrize("phased", [True, False])
@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("independent", {}),
        ("bootstrap", {}),
        ("mosaic", {"effective_size": 1e4, "recombination_map": None, "mutation_rate": 0.01}),
        ("reshuffle", {"generations": 50, "recombination_map": None}),
    ],
)
def test_baselines_draw_one_copy_for_men(kind, settings, phased, tmp_path):
    people = x_people(200, splits=["train"] * 200)
    calls = x_calls(people)
    if not phased:
        two = (calls >= 0).all(axis=2)
        calls[two] = np.sort(calls[two], axis=1)
    store = x_store(tmp_path / "X.zip", people, calls, phased=phased)
    drawn = draw_people(people, labels="matched", people=400, seed=3)
    draw_alleles(store, drawn, tmp_path / "s.zip", kind=kind, seed=5, **settings)
    synthetic = CohortStore(tmp_path / "s.zip").read()
    one_copy = has_one_copy(store.variants.male_haploid, drawn.sex)
    assert ((synthetic[..., 1] == ABSENT) == one_copy).all()
    men = [
        np.maximum(each[N_FIRST:-N_SECOND, who == MALE, 0], 0).mean()
        for each, who in ((calls, people.sex), (synthetic, drawn.sex))
    ]
    assert men[1] == pytest.approx(men[0], abs=0.02)  # neither allele is preferred


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("mosaic", {"mutation_rate": 0, "effective_size": 1e-9}),  # whole chromosomes
        ("mosaic", {"mutation_rate": 0, "effective_size": 300}),  # short segments
        ("reshuffle", {"generations": 100}),
    ],
)
def test_a_mans_haplotype_is_copied_as_often_as_any_other(kind, settings, tmp_path):
    people = x_people(40, splits=["train"] * 40)
    own, men = x_variants().male_haploid, people.sex == MALE
    calls = np.zeros((len(own), 40, 2), np.int8)
    calls[np.ix_(own, men)] = 1, ABSENT  # of men alone: a third of the haplotypes there are
    calls[np.ix_(~own, men, [1])] = 1  # their other copies of the shared ends: a quarter
    store = x_store(tmp_path / "X.zip", people, calls)
    women = x_people(4_000)[1::2]
    path = tmp_path / "s.zip"
    draw_alleles(store, women, path, kind=kind, recombination_map=None, seed=5, **settings)
    frequency = CohortStore(path).read().mean(axis=(1, 2))
    ends = (slice(0, N_FIRST), slice(N_FIRST, -N_SECOND), slice(-N_SECOND, None))
    for part, expected in zip(ends, (1 / 4, 1 / 3, 1 / 4), strict=True):
        assert (np.abs(frequency[part] - expected) < 0.03).all()  # 4 standard errors


def test_genotypes_of_men_are_drawn_by_a_label_of_their_own(tmp_path):
    people = x_people(80, splits=["train"] * 80)
    label = np.where(people.sex == MALE, "man", "woman")
    people = People(people.id, label, people.split, sex=people.sex)
    calls = x_calls(people)
    calls = np.where((calls >= 0).all(axis=2, keepdims=True), np.sort(calls, axis=2), calls)
    store = x_store(tmp_path / "X.zip", people, calls.astype(np.int8), phased=False)
    blocks = assign_genes(store.variants, None, intergenic="own", max_snps=N_FIRST // 2)
    everybody = np.ones(80, bool)
    model = fit_gene_pca(store, blocks, train=everybody, mode="genotype", max_components=10)
    encode_people([store], model, tmp_path / "X.npy", tmp_path / "rows.npz")
    options = {"first_position": 0, "decision": ROUNDING, "seed": 1}
    decode_cohort([tmp_path / "X.npy"], model, store, people, tmp_path / "s.zip", **options)
    drawn = CohortStore(tmp_path / "s.zip").read()
    assert ((drawn[..., 1] == ABSENT) == (calls[..., 1] == ABSENT)).all()
    assert (drawn == calls).mean() > 0.97  # as many components as variants


def test_linkage_counts_men_once(store):
    calls = store.read()
    rows = LabelledCalls.of(calls, [60], "haplotype")
    i, j = np.array([50]), np.array([51])
    product, first, second = (each[0, 0] for each in rows.pair_sums(i, j))
    alleles = calls.reshape(len(calls), -1)[50:52].astype(float)
    both = alleles[:, (alleles >= 0).all(axis=0)]
    assert 80 < both.shape[1] <= 90
    r = np.corrcoef(both)[0, 1]
    assert product / np.sqrt(first * second) == pytest.approx(r, abs=0.03)


@pytest.mark.slow
def test_beagle_phases_women_and_leaves_men(tmp_path):
    need("beagle")
    truth = x_calls(TRAINING)
    calls = truth.copy()
    calls[30, :6] = -1
    calls[30, :6:2, 1] = ABSENT
    store = x_store(tmp_path / "X.zip", TRAINING, calls, phased=False)
    options = {"recombination_map": None, "seed": 1, "threads": 1, "memory_mb": 2_000}
    phase_chromosome(store, tmp_path / "phased.zip", **options)
    found = CohortStore(tmp_path / "phased.zip")
    assert found.phased and (found.people.sex == TRAINING.sex).all()
    known = (calls >= 0).any(axis=2)
    assert (found.read()[known].sum(axis=1) == calls[known].sum(axis=1)).all()
    assert ((found.read()[..., 1] == ABSENT) == (calls[..., 1] == ABSENT)).all()
    assert (found.read()[..., 0] >= 0).all()
