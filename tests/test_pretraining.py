"""Networks that are trained on a public panel first: its people, their calls, and the training that goes on."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from clones import change_study, planned_rules, snakemake
from cohorts import founder_calls, people_of, store_of
from genotype_files import GT_LINE, need, run, vcf_of, write_bgzip
from latent_cohorts import CLASSES, RECIPE, make_cohort, train_diffusion

from syncohort.cohort.panel_checks import (
    PanelFit,
    panel_checks,
    pretraining_checks,
    require_other_people,
)
from syncohort.cohort.panel_import import import_panel
from syncohort.cohort.panel_people import NO_LABEL, panel_people, write_panel_people
from syncohort.cohort.people import read_people
from syncohort.cohort_store import CohortStore
from syncohort.config.study import parse_config
from syncohort.diffusion.model import load_generator
from syncohort.errors import InputError
from syncohort.evaluation.tables import read_losses
from syncohort.files import sha256
from syncohort.formats.vcf_writing import write_vcf
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants, variants_at_once
from syncohort.training.settings import Workplace

# --- the panel's people

IDS = [f"q{i}" for i in range(60)]


def table_of(folder, text: str) -> Path:
    path = folder / "labels.tsv"
    path.write_text(text)
    return path


def label_table(folder, labels, heading="sample\tpopulation"):
    rows = [f"{name}\t{label}" for name, label in zip(IDS, labels, strict=False)]
    return table_of(folder, "\n".join([heading, *rows]) + "\n")


def people(ids, table=None, id_column=None, label_column="population", seed=1) -> People:
    return panel_people(ids, table, id_column=id_column, label_column=label_column, seed=seed)


def test_without_a_table_nobody_has_a_label_and_a_tenth_validates():
    found = people(IDS)
    assert set(found.label) == {NO_LABEL} and (found.split == "validation").sum() == 6
    assert found.id.tolist() == IDS and set(found.split) == {"train", "validation"}
    assert (people(IDS, seed=2).split != found.split).any()


def test_labels_are_joined_and_who_has_none_is_left_out(tmp_path):
    labels = ["GBR"] * 20 + ["CHB"] * 20 + ["NA", "", "-9", ".", "unknown"] + ["YRI"]
    found = people(IDS, label_table(tmp_path, labels))
    assert found.id.tolist() == [*IDS[:40], IDS[45]]
    for label, number in (("GBR", 2), ("CHB", 2), ("YRI", 0)):  # one person alone trains
        assert (found.split[found.label == label] == "validation").sum() == number
    write_panel_people(found, tmp_path / "people.tsv")
    again = read_people(tmp_path / "people.tsv")
    assert again.id.tolist() == found.id.tolist() and again.split.tolist() == found.split.tolist()


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (
            "sample\tpop\nq0\tx\n",
            {},
            r"no column 'population' \(pretraining.label_column\).*sample, pop",
        ),
        (
            "sample\tpopulation\nq0\tx\n",
            {"id_column": "iid"},
            r"no column 'iid' \(pretraining.id_column\)",
        ),
        (
            "sample\tpopulation\nq0\tx\nq1\tx\n",
            {},
            "has 2 people to train on, of 60 with genotypes",
        ),
        ("sample\tpopulation\nother\tx\n", {}, "sample ids of the panel and of the table agree"),
        ("sample\tpopulation\nq0\tx\nq0\ty\n", {}, "more than one line: q0"),
        (
            "row\tsample\tpopulation\n" + "".join(f"q{i}\tq{59 - i}\tx\n" for i in range(60)),
            {},
            "say in pretraining.id_column which one is right",
        ),
        (
            "sample\tpopulation\n" + "".join(f"q{i}\tl{i}\n" for i in range(60)),
            {},
            "each person of the panel has a label of its own",
        ),
    ],
)
def test_tables_that_cannot_be_joined_stop(tmp_path, text, options, message):
    with pytest.raises(InputError, match=message):
        people(IDS, table_of(tmp_path, text), **options)


# --- the panel's calls at the cohort's variants

SITES = [
    (100, "A", "C"),
    (200, "A", "G"),
    (200, "A", "T"),
    (300, "G", "T"),
    (400, "AT", "A"),
    (500, "C", "T"),
]


def cohort_of(folder, contig="7") -> CohortStore:
    """A cohort of these sites, of whose own calls nothing is read."""
    variants = Variants(
        contig, [s[0] for s in SITES], [f"v{i}" for i in range(len(SITES))], [s[1:] for s in SITES]
    )
    with CohortWriter(folder / "cohort.zip", people_of(["x"] * 3)) as writer:
        writer.append(variants, np.zeros((len(SITES), 3, 2), dtype=np.int8), True)
    return CohortStore(folder / "cohort.zip")


RECORDS = [
    # position, REF, ALT, calls of p0, p1, p2
    (100, "A", "C", "0|1", "1|1", ".|."),
    (150, "A", "C", "1|1", "1|1", "1|1"),  # not modelled
    (200, "A", "G,T", "1|2", "0|1", "2|0"),  # two of the cohort's variants
    (300, "T", "G", "1|1", "0|0", "0|1"),  # REF and ALT swapped: missing
    (400, "AT", "A", "1|0", "0|0", "1|."),
]
# What each of p0, p1, p2 has, by variant of SITES: a call of another ALT allele is missing.
SNPS = [
    [[0, 1], [1, 1], [-1, -1]],
    [[1, -1], [0, 1], [-1, 0]],
    [[-1, 1], [0, -1], [1, 0]],
    [[-1, -1]] * 3,
    [[1, 0], [0, 0], [1, -1]],
    [[-1, -1]] * 3,
]


def panel_file(folder, records=RECORDS, contig="7", kind="vcf.gz", ids=None) -> Path:
    rows = [(contig, at, ref, alt, ".", ".", "GT", *calls) for at, ref, alt, *calls in records]
    text = vcf_of(rows, header=(GT_LINE,), contigs=(contig,))
    if ids:
        text = text.replace("\tp0\tp1\tp2", "\t" + "\t".join(ids))
    path = write_bgzip(text, folder / "panel.vcf.gz")
    if kind == "bcf":
        need("bcftools")
        run("bcftools", "view", "-Ob", "-o", folder / "panel.bcf", path)
        return folder / "panel.bcf"
    if kind == "vcf":
        (folder / "panel.vcf").write_text(text)
        return folder / "panel.vcf"
    return path


def imported(
    folder, panel, ids=("p0", "p1", "p2"), mode="haplotype", variants="all"
) -> CohortStore:
    own = People(list(ids), ["x"] * len(ids), ["train"] * len(ids))
    import_panel(cohort_of(folder), panel, own, folder / "own.zip", variants=variants, mode=mode)
    return CohortStore(folder / "own.zip")


@pytest.mark.parametrize("kind", ["vcf.gz", "bcf", "vcf"])
@pytest.mark.parametrize("contig", ["7", "chr7", "07"])
def test_calls_are_those_of_the_same_alleles(tmp_path, kind, contig):
    store = imported(tmp_path, panel_file(tmp_path, contig=contig, kind=kind))
    expected = np.array(SNPS)
    expected[1:3] = np.maximum(expected[1:3], 0)  # under `all` another ALT allele is not this one
    np.testing.assert_array_equal(store.read(), expected)
    assert (
        store.variants.id.tolist() == [f"v{i}" for i in range(len(SITES))] and store.contig == "7"
    )


def test_of_snps_alone_another_allele_is_missing(tmp_path):
    store = imported(tmp_path, panel_file(tmp_path), variants="snps")
    expected = np.array(SNPS)
    expected[4] = -1  # an indel
    np.testing.assert_array_equal(store.read(), expected)


def test_people_are_found_by_id_whatever_their_order(tmp_path):
    store = imported(tmp_path, panel_file(tmp_path, ids=["a", "b", "c"]), ids=("c", "a"))
    np.testing.assert_array_equal(store.read()[0], [[-1, -1], [0, 1]])
    with pytest.raises(InputError, match="lacks people of the panel's first chromosome: z"):
        imported(tmp_path, panel_file(tmp_path, ids=["a", "b", "c"]), ids=("a", "z"))


def test_an_unphased_panel_stops_where_haplotypes_are_learned(tmp_path):
    records = [(100, "A", "C", "0/1", "1/1", "0|0")]
    panel = panel_file(tmp_path, records)
    with pytest.raises(InputError, match=r"not phased at 7:100 \(1 heterozygous"):
        imported(tmp_path, panel)
    assert imported(tmp_path, panel, mode="genotype").read()[0].tolist() == [[0, 1], [1, 1], [0, 0]]


@pytest.mark.parametrize(
    ("records", "contig", "message"),
    [
        ([(101, "A", "C", "0|1", "1|1", "0|0")], "7", "has none of the 6 variants of chromosome 7"),
        ([(100, "A", "G", "0|1", "1|1", "0|0")], "7", "has none of the 6 variants"),
        ([(100, "A", "C", "0|1", "1|1", "0|0")], "8", "no variants of chromosome 7"),
    ],
)
def test_a_panel_of_other_sites_stops(tmp_path, records, contig, message):
    with pytest.raises(InputError, match=message):
        imported(tmp_path, panel_file(tmp_path, records, contig))
    assert not (tmp_path / "own.zip").exists()


def test_chunks_of_a_cohort_are_read_as_the_whole_is(tmp_path, monkeypatch):
    """Against bcftools: the same dosages at every site, in chunks of 16 variants."""
    need("bcftools")
    monkeypatch.setattr("syncohort.genotypes.HELD_CALLS", 16 * 20)
    calls = founder_calls(n_variants=90, n_people=60, seed=4)
    theirs = people_of(["x"] * 20, ["train"] * 20, prefix="q")
    panel = store_of(
        tmp_path / "panel.zip", calls[::2, 40:], theirs, position_bp=1000 + 20 * np.arange(45)
    )
    write_vcf(panel, tmp_path / "panel.vcf.gz")
    cohort = store_of(
        tmp_path / "c.zip",
        calls[:, :40],
        people_of(["x"] * 40),
        position_bp=1000 + 10 * np.arange(90),
    )
    assert variants_at_once(len(theirs)) == 16
    n = import_panel(
        cohort,
        tmp_path / "panel.vcf.gz",
        theirs,
        tmp_path / "own.zip",
        variants="snps",
        mode="haplotype",
    )
    found = CohortStore(tmp_path / "own.zip").read()
    assert n == 45 and (found[1::2] == -1).all()
    text = run("bcftools", "query", "-f", "[%GT ]\n", tmp_path / "panel.vcf.gz")
    expected = [[call.split("|") for call in line.split()] for line in text.splitlines()]
    np.testing.assert_array_equal(found[::2], np.array(expected).astype(int))


# --- other people, by their genotypes

CALLS = founder_calls(n_variants=240, n_people=100, n_founders=30, seed=3)


@pytest.mark.parametrize("kind", ["vcf.gz", "bcf"])
def test_the_cohorts_own_people_stop_before_anything_is_trained(tmp_path, kind):
    """BCF is refused for Beagle alone."""
    need("bcftools")
    panel = store_of(
        tmp_path / "panel.zip", CALLS[:, 30:], people_of(["a"] * 70, prefix="q"), contig="20"
    )
    write_vcf(panel, tmp_path / "panel.vcf.gz")
    path = tmp_path / "panel.vcf.gz"
    if kind == "bcf":
        path = tmp_path / "panel.bcf"
        run("bcftools", "view", "-Ob", "-o", path, tmp_path / "panel.vcf.gz")
    own = store_of(tmp_path / "own.zip", CALLS[:, :40], people_of(["a"] * 40), contig="20")
    fit = PanelFit.of(own, path, 0.01, 0.5, "pretraining")
    fit.write(tmp_path / "fit.json")
    (check,) = panel_checks([tmp_path / "fit.json"], may_share=False, section="pretraining")
    assert check.level == "stop" and "10 of 70 have the genotypes" in check.found
    assert check.name == "people of pretraining.panel" and "trained on them" in check.advice
    assert "pretraining.shared_people: true" in check.advice
    with pytest.raises(InputError, match="10 of 70 have the genotypes"):
        require_other_people([tmp_path / "fit.json"], may_share=False)
    require_other_people([tmp_path / "fit.json"], may_share=True)
    if kind == "bcf":
        assert "Beagle does not read" in PanelFit.of(own, path, 0.01, 0.5).problem


def of_panel(tmp_path, table, calls=CALLS[:, 60:]):
    """What the check says of a panel's sites and labels, for a cohort of labels a and b."""
    panel = store_of(
        tmp_path / "p.zip", calls, people_of(["x"] * calls.shape[1], prefix="q"), contig="20"
    )
    write_vcf(panel, tmp_path / "p.vcf.gz")
    own = store_of(tmp_path / "own.zip", CALLS[:, :40], people_of(["a"] * 40), contig="20")
    PanelFit.of(own, tmp_path / "p.vcf.gz", 0.01, 0.5, "pretraining").write(tmp_path / "fit.json")
    options = {"id_column": None, "label_column": "population", "seed": 1}
    return pretraining_checks([tmp_path / "fit.json"], {"a", "b"}, table, **options)


def test_sites_and_labels_that_a_panel_has_stand_on_the_check_page(tmp_path):
    sites, labels = of_panel(tmp_path, label_table(tmp_path, ["a"] * 30 + ["c"] * 5))
    assert (
        "has 240 of about 240 modelled sites" in sites.found and sites.level == labels.level == "ok"
    )
    assert "35 of the panel's 40 people have a label; 1 of the cohort's 2 labels" in labels.found
    (sites,) = of_panel(tmp_path, None, CALLS[:200, 60:])
    assert "200 of about 240" in sites.found and "missing in all of its people" in sites.found


def test_labels_that_have_nothing_in_common_are_a_look_and_a_wrong_table_stops(tmp_path):
    *_, labels = of_panel(tmp_path, label_table(tmp_path, ["A"] * 40))
    assert labels.level == "look" and "0 of the cohort's 2 labels" in labels.found
    assert "the panel's are A, the cohort's a, b" in labels.advice
    *_, wrong = of_panel(tmp_path, label_table(tmp_path, ["A"] * 40, "sample\tpop"))
    assert wrong.level == "stop" and "pretraining.label_column" in wrong.found
    assert pretraining_checks([], {"a"}, None, id_column=None, label_column="x", seed=1) == []


# --- the network


LOCAL = {"kind": "local", "width": 16, "layers": 1, "context": 8, "group_blocks": 1}
SHORT = RECIPE | {"denoiser": LOCAL, "prior_factors": 1, "epochs": 3}


@pytest.fixture(scope="module")
def panel_model(tmp_path_factory):
    """A model of other people, whose labels are "control" and one that the cohort has not."""
    folder = tmp_path_factory.mktemp("panel")
    cohort = make_cohort(folder, n_rows=1_400, seed=5) | {"class_names": ["control", "other"]}
    train_diffusion(**cohort, **SHORT | {"epochs": 12}, checkpoint_path=folder / "model")
    return folder / "model"


def test_a_network_goes_on_where_the_panels_ended(tmp_path, panel_model):
    """Rows of labels go to labels of the same name, and all else is the same: so are all predictions."""
    options = SHORT | {"epochs": 1, "learning_rate": 1e-12, "ema_decay": 0.0}
    cohort = make_cohort(tmp_path)
    train_diffusion(**cohort, **options, start_path=panel_model, checkpoint_path=tmp_path / "model")
    model, before = load_generator(tmp_path / "model"), load_generator(panel_model)
    assert model.config["start_sha256"] == sha256(panel_model)
    assert model.config["class_names"] == CLASSES
    np.testing.assert_array_equal(model.normalisation.scale, before.normalisation.scale)
    for part in ("variance", "factors", "factor_variance"):
        torch.testing.assert_close(getattr(model.prior, part), getattr(before.prior, part))
    x, t = torch.randn(5, *model.mask.shape) * model.mask, torch.linspace(0.1, 1, 5)
    for own, theirs in ((1, 0), (0, 2), (2, 2)):  # control; case, unknown there; no label
        found, expected = (
            each.network.eval()(x, t, torch.full((5,), label))
            for each, label in ((model, own), (before, theirs))
        )
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_values_of_a_trait_begin_without_a_label(tmp_path, panel_model):
    cohort = make_cohort(tmp_path)
    values = np.linspace(-2, 2, len(cohort["labels"]))
    options = SHORT | {"epochs": 1, "learning_rate": 1e-12, "ema_decay": 0.0}
    train_diffusion(
        **cohort,
        **options,
        values=values,
        start_path=panel_model,
        checkpoint_path=tmp_path / "model",
    )
    model = load_generator(tmp_path / "model")
    table = model.network.label.weight
    no_label = load_generator(panel_model).network.label.weight[-1]
    torch.testing.assert_close(table, no_label.expand_as(table))


def test_it_fits_sooner(tmp_path, panel_model):
    cohort, losses = make_cohort(tmp_path, n_rows=240), []
    for start_path in (None, panel_model):
        log = tmp_path / "losses.tsv"
        place = {"log_path": log, "checkpoint_path": tmp_path / "model"}
        train_diffusion(**cohort, **SHORT, **place, start_path=start_path)
        losses.append(read_losses([log])["validation_loss"].iloc[0])
    assert losses[1] < 0.97 * losses[0]


def test_a_state_of_another_start_is_not_continued(tmp_path, panel_model, monkeypatch):
    """A killed training goes on from its state only if it began with the same weights."""
    monkeypatch.setattr(Workplace, "clear_state", lambda self: None)
    cohort, options = make_cohort(tmp_path, n_rows=240), SHORT | {"epochs": 2}
    options |= {"state_path": tmp_path / "state.pt", "checkpoint_seconds": 0.0}
    options |= {"checkpoint_path": tmp_path / "model"}
    other = load_generator(panel_model)
    with torch.no_grad():
        other.network.label.weight[0, 0] += 1
    other.save(tmp_path / "other")
    resumed = [
        train_diffusion(**cohort, **options, start_path=start_path).resumed_at_step
        for start_path in (panel_model, panel_model, tmp_path / "other", None)
    ]
    with pytest.raises(InputError, match="other representations"):
        fingerprints = {"representation_fingerprints": {"21": "aaa", "22": "ccc"}}
        train_diffusion(**cohort, **options | fingerprints, start_path=panel_model)
    assert resumed[1] > 0 and [resumed[i] for i in (0, 2, 3)] == [0, 0, 0]


# --- the configuration


PRETRAINED = {"preset": "genetic_diffusion_pretrained"}


def test_the_preset_trains_on_the_panel_and_few_epochs_on_the_cohort():
    study = parse_config(
        {"generators": {"a": PRETRAINED}, "pretraining": {"panel": "p{chrom}.vcf.gz"}}
    )
    own = study.generators["a"]
    assert own.pretraining_epochs == 30 and own.training.epochs < 30


@pytest.mark.parametrize(
    ("study", "message"),
    [
        (
            {"generators": {"a": PRETRAINED}},
            "generators.a.pretraining_epochs needs other people to train on",
        ),
        (
            {"pretraining": {"panel": "p.vcf.gz"}},
            "pretraining.panel: no generator is trained on it",
        ),
        ({"pretraining": {"table": "l.tsv"}}, "pretraining: table holds the panel's people"),
        (
            {
                "generators": {"a": {"pretraining_epochs": 3, "denoiser": {"kind": "mlp"}}},
                "pretraining": {"panel": "p.vcf.gz"},
            },
            "pretraining_epochs needs the denoiser local",
        ),
        (
            {
                "generators": {"a": PRETRAINED},
                "pretraining": {"panel": "p.vcf.gz"},
                "evaluation": {"shadow_models": 2, "shadow_networks": True},
            },
            "trained on the cohort alone, of which alone shadow models are made",
        ),
    ],
)
def test_wishes_that_do_not_fit_together_stop(study, message):
    with pytest.raises(InputError, match=message):
        parse_config(study)


# --- the workflow

_MODEL = "results/tiny/train_diffusion/{}/checkpoint.safetensors"


@pytest.fixture(scope="module")
def study(finished_study, tmp_path_factory):
    """The people of the tiny study as a cohort and a panel of the rest, and a study of both."""
    need("bcftools")
    folder = shutil.copytree(finished_study, tmp_path_factory.mktemp("clone") / "clone")
    own = folder / "results/tiny"
    labels = pd.read_csv(own / "join_labels/people.tsv", sep="\t", dtype=str, keep_default_na=False)
    labels = labels[labels["family"] == ""] if (labels["family"] == "").sum() > 60 else labels
    is_panel = np.arange(len(labels)) % 3 == 0
    labels[["sample", "label"]].to_csv(folder / "labels.tsv", sep="\t", index=False)
    for name, chosen in (("cohort", labels[~is_panel]), ("panel", labels[is_panel])):
        (folder / "ids.txt").write_text("\n".join(chosen["sample"]) + "\n")
        for chrom in ("21", "22"):
            source = own / f"simulate_chromosome/{chrom}.vcf.gz"
            target = folder / f"{name}.{chrom}.vcf.gz"
            run("bcftools", "view", "-S", folder / "ids.txt", "-Oz", "-o", target, source)
            run("bcftools", "index", target)
    for each in own.glob("simulate_chromosome/*.gtf"):
        shutil.copy(each, folder)
    shutil.rmtree(own)
    return folder


def changes(folder, **more) -> dict:
    local = {"kind": "local", "width": 16, "layers": 1, "group_blocks": 1}
    short = {
        "pretraining_epochs": 2,
        "training": {"epochs": 1, "batch_size": 32},
        "diffusion": {"n_steps": 20},
        "sampling": {"steps": 5},
    }
    return {
        "input": {"kind": "vcf", "path": "cohort.{chrom}.vcf.gz", "chromosomes": [21, 22]},
        "labels": {"table": "labels.tsv", "label_column": "label"},
        "genes": {"annotation": None, "intergenic": "own"},
        "pretraining": {
            "panel": "panel.{chrom}.vcf.gz",
            "table": "labels.tsv",
            "label_column": "label",
            # on so few sites some people of one label are alike
            "shared_people": True,
        },
        "generators": {
            "whole": {**short, "denoiser": {**local, "context": 8, "networks": 2}},
            "parts": {**short, "denoiser": {**local, "width": None}, "per_chromosome": True},
            "alone": {**short, "denoiser": {**local, "context": 8}, "pretraining_epochs": None},
        },
    } | more


@pytest.mark.slow
def test_networks_of_a_study_begin_with_the_panels(study):
    """One network, and networks of chromosomes told global vectors of the panel's people, from the real Snakefile."""
    name = change_study(study, **changes(study))
    models = [_MODEL.format(part) for part in ("whole/all", "parts/21", "parts/22", "alone/all")]
    costs = "results/tiny/tabulate_costs/whole.tsv"
    page = "results/tiny/check_cohort/check.html"
    done = snakemake(study, *models, costs, page, study=name)
    assert done.returncode == 0, done.stdout + done.stderr
    for model in models:
        own = load_generator(study / model)
        before = study / model.replace("train_diffusion", "pretrain_diffusion")
        if "alone" in model:
            assert "start_sha256" not in own.config and not before.exists()
            continue
        panels = load_generator(before)
        assert own.config["start_sha256"] == sha256(before)
        assert own.config["class_names"] == panels.config["class_names"]
        assert own.config["denoiser"] == panels.config["denoiser"]
        assert own.config["latents_sha256"] != panels.config["latents_sha256"]
    text = (study / page).read_text()
    assert "training of whole on the panel" in text and "people of pretraining.panel" in text
    seconds = [
        read_losses([study / f"results/tiny/{rule}/whole/all/losses.tsv"])["seconds"].iloc[-1]
        for rule in ("pretrain_diffusion", "train_diffusion")
    ]
    assert pd.read_csv(study / costs, sep="\t")["training_seconds"][0] == pytest.approx(
        sum(seconds)
    )


@pytest.mark.slow
def test_another_wish_trains_nothing_again_and_another_panel_does(study):
    again = change_study(study, **changes(study, synthesis={"people": 31}))
    assert "pretrain_diffusion" not in planned_rules(study, study=again)
    other = changes(study)
    other["pretraining"] |= {"table": None}
    planned = planned_rules(study, study=change_study(study, **other))
    assert {"label_panel", "pretrain_diffusion", "train_diffusion"} <= planned


@pytest.mark.slow
def test_a_panel_of_the_cohorts_people_stops_before_anything_is_trained(study):
    other = changes(study, cohort="shared")
    other["pretraining"] |= {"panel": "cohort.{chrom}.vcf.gz", "shared_people": False}
    name = change_study(study, **other)
    done = snakemake(study, _MODEL.format("whole/all").replace("tiny", "shared"), study=name)
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "pretraining.shared_people: true" in said, said
    assert not (study / "results/shared/pretrain_diffusion").exists()
    assert not (study / "results/shared/train_diffusion").exists()


@pytest.mark.slow
def test_chromosome_x_is_refused(study):
    name = change_study(
        study,
        **changes(study, input={"kind": "vcf", "path": "cohort.21.vcf.gz", "chromosomes": ["X"]}),
    )
    done = snakemake(study, "--dry-run", study=name)
    assert done.returncode == 1
    assert "pretraining.panel: on chromosome X" in done.stdout + done.stderr or "X" in done.stdout
