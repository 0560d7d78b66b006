"""What jobs ask for: estimated against measured memory, and stops before anything expensive."""

import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from cohorts import people_of, store_of
from conftest import REPOSITORY
from memory import peak_mb
from pydantic import TypeAdapter

from syncohort.code_digest import PACKAGE
from syncohort.config.generators import AnyGenerator
from syncohort.config.representations import GenePCAConfig, SnpVAEConfig
from syncohort.config.requests import (
    AROUND_MB,
    LEAST_MB,
    NEEDS,
    least_training_mb,
    most_compared,
    pairs_mb,
    request_mb,
    request_minutes,
    risk_mb,
    training_mb,
)
from syncohort.config.study import parse_config
from syncohort.diffusion.demand import Demand, demand_of, training_seconds
from syncohort.diffusion.denoisers import build_denoiser
from syncohort.diffusion.estimates import (
    Chromosome,
    Estimate,
    autoencoder_checks,
    estimate_autoencoders,
    estimate_trainings,
    expected_chromosomes,
    latent_shape,
    training_checks,
    write_estimates,
)
from syncohort.diffusion.sight import expected_layers, layers_for, sight_kb
from syncohort.diffusion.sizing import (
    batch_size_for,
    epochs_for,
    sized_training,
    weight_decay_for,
    width_for,
)

LIMITS = {"training_hours": 12, "on_gpu": False, "threads": 2}
ONCE = {"ours": 1}


@pytest.mark.parametrize("kind", NEEDS)
def test_a_job_asks_for_more_the_more_it_reads_up_to_what_it_may(kind):
    asked = [request_mb(kind, size, 8_000, 1) for size in (0, 1, 10, 100, 10**6)]
    assert asked == sorted(asked) and LEAST_MB <= asked[0] < asked[-1] == 8_000
    assert request_mb(kind, 0, 500, 1) == LEAST_MB


@pytest.mark.parametrize("kind", NEEDS)
def test_a_job_that_is_tried_again_asks_for_more(kind):
    small = [request_mb(kind, 0.1, 8_000, attempt) for attempt in (1, 2, 3)]
    assert small[0] < small[1] < small[2]
    assert small[1] >= 8_000  # a request that was too low costs one attempt
    assert [request_mb(kind, 10**6, 8_000, n) for n in (1, 2, 3)] == [8_000, 16_000, 24_000]


def test_pairs_of_people_ask_for_their_tables_however_wide_the_genome_is():
    """3,000 and 3,000 people of 300 SNPs held 1,859 MB."""
    few, many = (pairs_mb(3_000, 2, size, 8_000, 1) for size in (0.1, 1_000))
    assert AROUND_MB + 1_859 < few < many < few + 200
    assert pairs_mb(3_000, 2, 1, 8_000, 1) > pairs_mb(3_000, 1, 1, 8_000, 1) + 1_000
    assert pairs_mb(3_000, 2, 1, 8_000, 2) >= 8_000
    assert pairs_mb(300, 2, 1, 8_000, 1) < 1_500


def test_the_risk_of_released_people_asks_for_the_training_people_it_is_taken_against():
    """12,000 people held 1,003 MB without missing calls, of which twice as much is held with them."""
    assert AROUND_MB + 2_000 < risk_mb(12_000, 1, 8_000, 1) < 3_000
    assert risk_mb(300, 1, 8_000, 1) < 1_500


def test_the_people_that_are_compared_are_counted_in_the_tables_of_people(tmp_path):
    people, drawn = tmp_path / "people.tsv", tmp_path / "drawn.tsv"
    assert most_compared(people, drawn, 3_000) == 3_000  # there is no table yet
    split = ["train"] * 8 + ["validation", "holdout"]
    pd.DataFrame({"sample": range(10), "split": split}).to_csv(people, sep="\t", index=False)
    pd.DataFrame({"sample": range(5)}).to_csv(drawn, sep="\t", index=False)
    assert most_compared(people, drawn, 3_000) == 8
    pd.DataFrame({"sample": range(50)}).to_csv(drawn, sep="\t", index=False)
    assert [most_compared(people, drawn, limit) for limit in (3_000, 30)] == [50, 30]


def test_a_training_asks_in_proportion_to_the_latents_that_were_made(tmp_path):
    table = tmp_path / "estimates.tsv"
    write_estimates([Estimate("ours", "all", 1_000, 10**7, 96, 400.0, 5_075, 1.0, 9.0)], table)
    assert training_mb(table, "ours", "all", 400, 9_000, 1) == 5_075
    assert training_mb(table, "ours", "all", 200, 9_000, 1) == 3_075  # of which 1,075 in any case
    assert training_mb(table, "ours", "all", 4_000, 9_000, 1) == 9_000
    assert training_mb(table, "ours", "all", 400, 9_000, 2) == 10_150
    assert training_mb(table, "another", "all", 400, 9_000, 1) == 9_000
    assert training_mb(table, "ours", "all", None, 9_000, 1) == 5_075  # none were made
    assert training_mb(tmp_path / "none.tsv", "ours", "all", 400, 9_000, 1) == 9_000


@pytest.mark.parametrize(
    "kind, options",
    [
        ("local", {}),
        ("mlp", {"size": "small"}),
        ("cnn", {"size": "small"}),
        ("transformer", {"size": "small"}),
    ],
)
def test_weights_and_what_a_row_leaves_are_those_of_the_network_itself(kind, options):
    """Against the network built in memory, and tensors that a real pass saves."""
    mask = torch.ones(40, 8, dtype=torch.bool)
    network = build_denoiser(kind, mask, 3, **options)
    demand = demand_of({"kind": kind, **options}, 40, 8, 3)
    assert demand.n_weights == sum(each.numel() for each in network.parameters())
    own = {each.untyped_storage().data_ptr() for each in network.parameters()}
    saved = {}

    def keep(tensor):
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network.train()(torch.randn(4, 40, 8), torch.rand(4), torch.tensor([0, 1, 2, 3]))
    n_bytes = sum(each.nbytes() for place, each in saved.items() if place not in own)
    assert demand.row_bytes * 4 == pytest.approx(n_bytes, rel=0.1)


PEAK = """
import json, sys
import numpy as np
from syncohort.config.generators import DiffusionConfig, TrainingConfig
from syncohort.diffusion.demand import demand_of, training_bytes
from syncohort.diffusion.settings import DiffusionSettings, DiffusionTraining
from syncohort.diffusion.sizing import sized_training
from syncohort.diffusion.training import train_diffusion
from syncohort.generators.rows import EncodedPeople, LatentRows
from syncohort.training.settings import Workplace

folder, n_blocks, n_rows = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
latents = np.random.default_rng(0).standard_normal((n_rows, n_blocks, 8), dtype=np.float32)
np.save(f"{folder}/latents.npy", latents)
del latents
open("/proc/self/clear_refs", "w").write("5")  # the peak so far is forgotten
names = np.array([f"P{i}" for i in range(n_rows)], dtype=object)
numbers = np.arange(n_rows)
rows = LatentRows(names, numbers * 0, numbers % 5, list("abcde"), numbers % 10 == 0)
encoded = EncodedPeople([f"{folder}/latents.npy"], [np.ones((n_blocks, 8), bool)], rows)
training = sized_training(TrainingConfig(epochs=1).model_dump(), n_rows)
train_diffusion(
    encoded,
    {"kind": "local"},
    DiffusionSettings(**DiffusionConfig().model_dump()),
    DiffusionTraining(**training),
    Workplace(result_path=f"{folder}/model.safetensors", threads=1),
    seed=1,
    device="cpu",
)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
said = training_bytes(
    demand_of({"kind": "local"}, n_blocks, 8, 5),
    n_rows,
    n_blocks * 8,
    batch_size=training["batch_size"],
    averaged=True,
    n_factors=256,
    max_resident_bytes=4_000_000_000,
)
print(json.dumps([int(status["VmHWM"].split()[0]) * 1024, said]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's account of memory is Linux's")
@pytest.mark.parametrize("n_blocks, n_rows", [(150, 2_000), (1_200, 400)])
def test_a_training_takes_the_memory_it_is_said_to(tmp_path, n_blocks, n_rows):
    result = subprocess.run(
        [sys.executable, "-c", PEAK, str(tmp_path), str(n_blocks), str(n_rows)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(PACKAGE.parent), "OMP_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stderr
    measured, said = json.loads(result.stdout.splitlines()[-1])
    assert measured / 1.5 < said < measured * 1.5


AUTOENCODED = """
import sys
from dataclasses import replace
import numpy as np
from syncohort.cohort_store import CohortStore
from syncohort.config.study import parse_config
from syncohort.representations.snp_vae_training import *

store, name, result = sys.argv[1:]
section = parse_config({}).representations[name].model_dump(exclude={"kind"})
settings = network_settings(**section)
training = TrainingSettings(**settings.pop("training") | {"epochs": 1, "batch_size": 64})
autoencoder = SnpVAESettings.of(settings)
if autoencoder.discriminator:  # from the first step on
    critic = replace(autoencoder.discriminator, start_step=0)
    autoencoder = replace(autoencoder, discriminator=critic)
open("/proc/self/clear_refs", "w").write("5")  # the peak so far is forgotten
work = Workplace(result_path=result, threads=1)
fit_snp_vae([CohortStore(store)], autoencoder, training, work, mode="genotype", seed=1, device="cpu")
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["snp_vae", "snp_vae_paper"])
def test_an_autoencoder_takes_the_memory_it_is_said_to(tmp_path, name):
    n_people, n_snps = 160, 1_024
    split = np.where(np.arange(n_people) % 5 == 0, "validation", "train")
    calls = np.random.default_rng(0).integers(0, 2, (n_snps, n_people, 2))
    store_of(tmp_path / "s.zip", calls, people_of(["a"] * n_people, split))
    measured_mb = peak_mb(AUTOENCODED, tmp_path / "s.zip", name, tmp_path / "m.safetensors")
    section = parse_config({}).representations[name].model_dump(exclude={"kind"})
    section["training"]["batch_size"] = 64
    (estimate,) = encoded(n_people, n_snps, {name: section})
    said_mb = least_training_mb(estimate.request_mb) - AROUND_MB
    assert measured_mb / 1.5 < said_mb < measured_mb * 1.5


def encoded(n_people: int, n_snps: int, sections: dict) -> list[Estimate]:
    """What autoencoders take, in a cohort in genotype mode."""
    return estimate_autoencoders(
        sections,
        [Chromosome("1", n_snps, 50_000.0)],
        joined_people(n_people),
        mode="genotype",
        train_share=0.8,
        validation_share=0.2,
        threads=2,
        on_gpu=False,
    )


FITTED = """
import sys
import numpy as np
import torch
from syncohort.diffusion import prior
from syncohort.diffusion.training import MappedRows
from syncohort.files import write_rows
from syncohort.generators import latents

n_rows, n_blocks = int(sys.argv[2]), int(sys.argv[3])
prior.VALUES_AT_ONCE = latents.VALUES_AT_ONCE = 1 << 18
rng = np.random.default_rng(0)
path, shape = f"{sys.argv[1]}/latents.npy", (n_rows, n_blocks, 8)
parts = (rng.standard_normal((1, n_blocks, 8), dtype=np.float32) for _ in range(n_rows))
write_rows(path, shape, parts, "<f2")
open("/proc/self/clear_refs", "w").write("5")
files = latents.LatentFiles([path], [np.ones((n_blocks, 8), bool)])
labels, rows = np.arange(n_rows) % 3, np.arange(n_rows)
options = {"n_classes": 3, "residual_from_class_mean": True, "scaling": "global", "rows": rows}
scale = latents.fit_normalisation(files, labels, files.mask, **options)
tensors = map(torch.from_numpy, (labels, scale.center, scale.scale))
prior.fit_prior(MappedRows(files, *tensors), 4, 1, rows_per_factor=64, rows=torch.from_numpy(rows))
"""


def test_scale_and_prior_of_latents_on_disk_take_no_more_memory_for_more_people(tmp_path):
    few, many = (peak_mb(FITTED, tmp_path, n_rows, 500) for n_rows in (300, 3_300))
    further_mb = 3_000 * 500 * 8 * 4 / 1e6  # 48, as float32
    assert many - few < 0.25 * further_mb


def joined_people(n_people: int) -> pd.DataFrame:
    labels = np.array(["case", "control"])[np.arange(n_people) % 2]
    return pd.DataFrame({"excluded": "", "label": labels})


def estimated(
    n_people: int,
    n_snps: int,
    memory_mb: float = 30_000,
    generator: dict | None = None,
    on_gpu: bool = False,
) -> list[Estimate]:
    """A recipe, the default one, on three chromosomes of a cohort in haplotype mode."""
    section = TypeAdapter(AnyGenerator).validate_python(generator or {"kind": "diffusion"})
    settings = section.model_dump()
    names = ("denoiser", "diffusion", "training", "per_chromosome", "global_axes")
    model = {name: settings[name] for name in names}
    model["representation"] = GenePCAConfig().model_dump()
    return estimate_trainings(
        {"ours": model},
        [Chromosome(str(i), n_snps * i // 6, 50_000.0 * i) for i in (1, 2, 3)],
        joined_people(n_people),
        mode="haplotype",
        max_snps=100,
        train_share=0.8,
        validation_share=0.1,
        threads=2,
        on_gpu=on_gpu,
        memory_mb=memory_mb,
    )


def test_a_training_that_cannot_have_its_memory_stops_the_run_first():
    """343 people on 313,265 SNPs made 21,928 blocks and, in three layers, 585 million weights."""
    three = {"kind": "diffusion", "denoiser": {"kind": "local", "layers": 3, "context": 64}}
    measured, estimates = estimated(343, 313_265, generator=three), estimated(343, 313_265)
    assert estimates[0].n_blocks == pytest.approx(21_928, rel=0.25)
    assert measured[0].n_weights == pytest.approx(585e6, rel=0.25)
    assert estimates[0].n_weights > measured[0].n_weights
    (stop,) = training_checks(estimates, ONCE, memory_mb=4_000, **LIMITS)
    assert stop.level == "stop" and "million weights" in stop.found and "GB" in stop.found
    enough = int(stop.advice.split("compute.memory_mb: ")[1].split()[0])
    assert enough == pytest.approx(43_000, rel=0.5)
    (line,) = training_checks(estimates, ONCE, memory_mb=enough, **LIMITS)
    assert line.level != "stop"


def test_an_autoencoder_that_cannot_have_its_memory_stops_the_run_first(tmp_path):
    """It holds all rows: of half a million people and 8,192 SNPs 4 GB, and more while alleles are counted."""
    sections = {"mine": SnpVAEConfig().model_dump(exclude={"kind"})}
    few, many = (encoded(n, 8_192, sections) for n in (2_000, 500_000))
    assert many[0].request_mb - few[0].request_mb > 1.25 * 4_000
    (stop,) = autoencoder_checks(many, memory_mb=4_000, **LIMITS)
    assert stop.level == "stop" and stop.name == "training of the autoencoder mine"
    enough = int(stop.advice.split("compute.memory_mb: ")[1].split()[0])
    (line,) = autoencoder_checks(many, memory_mb=enough, **LIMITS)
    assert line.level == "look" and "compute.training_hours" in line.advice
    write_estimates(few, tmp_path / "estimates.tsv")
    asked = training_mb(tmp_path / "estimates.tsv", "mine", "autoencoder", None, 9_000, 1)
    assert asked == few[0].request_mb


def test_latents_that_are_much_of_what_a_job_may_have_stay_on_disk():
    """Latents of 20,000 people on 50,000 SNPs are 5 GB as float32."""
    held, on_disk = (estimated(20_000, 50_000, memory_mb)[0] for memory_mb in (30_000, 8_000))
    assert held.latents_mb == on_disk.latents_mb == pytest.approx(2_400, rel=0.1)
    assert held.request_mb - on_disk.request_mb > 2 * held.latents_mb


def test_the_time_of_few_rows_is_mostly_that_of_their_validations():
    """An epoch of 540 rows is 1,620 forward passes, a validation of 60 is 2,408."""
    demand = Demand(n_weights=0, gflop=1.0, row_bytes=0)
    options = {"epochs": 1, "batch_size": 128, "threads": 1, "on_gpu": False}
    assert training_seconds(demand, 540, 60, **options) == pytest.approx(4_028 / 15)
    many = training_seconds(demand, 10**6, 10**5, **options | {"epochs": 12})
    assert many == pytest.approx(36e6 / 15, rel=0.01)


def test_a_training_that_takes_longer_than_its_job_may_is_said():
    estimates = estimated(20_000, 50_000)
    (line,) = training_checks(estimates, ONCE, memory_mb=10**6, **LIMITS | {"training_hours": 0.1})
    assert line.level == "look" and "compute.training_hours" in line.advice
    (line,) = training_checks(
        estimates, ONCE, memory_mb=10**6, **LIMITS | {"training_hours": 10**4}
    )
    assert line.level == "ok" and "shadow" not in line.found


def test_the_time_of_replicates_and_shadow_models_is_said():
    estimates = estimated(20_000, 50_000)
    (line,) = training_checks(estimates, {"ours": 1 + 8 / 2}, memory_mb=10**6, **LIMITS)
    hours = 5 * estimates[0].hours
    assert f"with its replicates and shadow models about {hours:,.0f} hours on 2" in line.found


def test_one_processor_is_not_several():
    (line,) = training_checks(
        estimated(2_000, 5_000), ONCE, memory_mb=10**6, **LIMITS | {"threads": 1}
    )
    assert line.found.endswith(" on 1 processor")


def test_the_time_without_a_gpu_is_said_beside_that_with_one():
    estimates = estimated(20_000, 50_000, on_gpu=True)
    (line,) = training_checks(estimates, ONCE, memory_mb=10**6, **LIMITS | {"on_gpu": True})
    (without,) = estimated(20_000, 50_000)
    assert estimates[0].hours < estimates[0].hours_without_gpu == without.hours
    assert f"on a GPU (about {without.hours:,.0f} hours on 2 processors)" in line.found


def test_snps_that_the_filters_take_away_make_no_blocks(tmp_path):
    """Half of the SNPs below the bound, a tenth with missing calls, and the most that are chosen."""
    maf, missing = np.zeros(500, int), np.zeros(500, int)
    maf[[2, 400]] = 500, 400  # of MAF 0.002 and 0.4; another 100 do not vary
    missing[[0, 250]] = 900, 100
    summary = {"n_kept": 1_000, "n_monomorphic": 100}
    summary |= {"maf_histogram": maf.tolist(), "missing_histogram": missing.tolist()}
    summary |= {"contig": "1", "first_position_bp": 1_000, "last_position_bp": 51_000}
    (tmp_path / "1.json").write_text(json.dumps(summary))
    paths = [tmp_path / "1.json"]
    assert expected_chromosomes(paths, 0.01, 0.9, None) == [Chromosome("1", 400, 50.0)]
    assert expected_chromosomes(paths, 0.01, 0.1, None)[0].n_snps == 300
    assert [each.n_snps for each in expected_chromosomes(paths * 2, 0, 0.9, 50)] == [25, 25]


def test_networks_of_chromosomes_ask_for_the_memory_of_one():
    """The same SNPs: no job is larger than that of the largest chromosome."""
    (whole,) = estimated(2_504, 300_000)
    own = {"layers": 3, "width": 96}
    parts = estimated(2_504, 300_000, generator={"per_chromosome": True, "denoiser": own})
    assert [each.part for each in parts] == ["1", "2", "3"]
    assert sum(each.n_blocks for each in parts) == pytest.approx(whole.n_blocks, abs=3)
    assert max(each.request_mb for each in parts) < 0.75 * whole.request_mb
    (line,) = training_checks(parts, ONCE, memory_mb=10**6, **LIMITS)
    assert "3 networks; the largest, of chromosome 3, has" in line.found
    assert str(f"{parts[-1].n_blocks:,}") in line.found
    (stop,) = training_checks([whole], ONCE, memory_mb=2_000, **LIMITS)
    assert "per_chromosome: true" in stop.advice


def test_the_rule_gives_what_was_measured_and_follows_the_rows():
    assert (width_for(4_016), batch_size_for(4_016), epochs_for(4_016, 128)) == (96, 128, 40)
    rows = [50, 600, 4_016, 16_000, 10**6]
    for sizes in ([width_for(n) for n in rows], [batch_size_for(n) for n in rows]):
        assert sizes == sorted(sizes) and sizes[0] < sizes[2] < sizes[-1]
    assert epochs_for(10**6, 512) == 4 and epochs_for(600, 32) == 100
    assert epochs_for(2_004, 64) == 80 and epochs_for(16_000, 512) == 40
    assert [weight_decay_for(n) for n in (50, 2_000, 4_000, 10**6)] == [3, 1, 0.5, 0.002]
    few, many = (estimated(n, 60_000, generator={"per_chromosome": True})[0] for n in (300, 2_504))
    assert few.n_weights < many.n_weights / 4 and (few.width, many.width) == (32, 96)
    given = {"epochs": 3, "batch_size": None, "weight_decay": None, "patience": 20}
    found = sized_training(given, 4_000)
    assert found == {"epochs": 3, "batch_size": 128, "weight_decay": 0.5, "patience": 20}
    assert sized_training(given | {"weight_decay": 0.0}, 4_000)["weight_decay"] == 0


@pytest.mark.parametrize("layers", [2, 4])
def test_a_sight_takes_the_layers_that_reach_as_far(layers):
    """Blocks of 10 kb, one beside the other, in groups of 4: 2^L groups of 40 kb to each side."""
    start = np.arange(1_000) * 10_000
    blocks = pd.DataFrame({"start_bp": start, "end_bp": start + 9_999})
    assert sight_kb(blocks, 4, layers) == pytest.approx(40 * 2**layers, rel=0.01)
    assert layers_for([blocks], 4, 39 * 2**layers) == layers
    assert layers_for([blocks], 4, 41 * 2**layers) == layers + 1
    assert layers_for([blocks], 4, 10**9) == 8  # an end is in sight from everywhere
    denoiser = {"group_blocks": 4, "sight_kb": 39 * 2**layers}
    assert expected_layers(denoiser, 1_000, 10_000) == layers


def test_shapes_of_latents_follow_the_representation():
    assert latent_shape(SnpVAEConfig().model_dump(), 1_601, 100) == (101, 8)
    assert latent_shape(GenePCAConfig(max_components=3).model_dump(), 1_000, 5) == (200, 3)


# --- time, and what the cluster's profile says


@pytest.mark.parametrize("kind", NEEDS)
def test_a_job_asks_for_more_time_the_more_it_reads_and_when_it_is_tried_again(kind):
    asked = [request_minutes(kind, size, 180, 1) for size in (0, 10, 100, 10**6)]
    assert asked == sorted(asked) and asked[0] == 10 and asked[-1] == 180
    again = [request_minutes(kind, 0, 180, attempt) for attempt in (1, 2, 3)]
    assert again == [10, 40, 160]
    assert [request_minutes(kind, 10**6, 180, n) for n in (1, 2)] == [180, 360]


def rules() -> dict[str, str]:
    """The text of every rule, by its name."""
    texts = [file.read_text() for file in (REPOSITORY / "workflow/rules").glob("*.smk")]
    parts = re.split(r"^(?= *rule )", "\n".join(texts), flags=re.MULTILINE)
    parts = [part.lstrip() for part in parts]
    return {part[5:].partition(":")[0]: part for part in parts if part.startswith("rule ")}


def test_a_job_of_any_rule_asks_for_more_time_when_it_is_tried_again():
    """But trainings that go on from a saved state; names of what never changes are in capitals."""
    constant = {name for name, rule in rules().items() if re.search(r"runtime=[A-Z0-9]", rule)}
    assert constant == {"train_diffusion", "pretrain_diffusion", "fit_snp_vae"}
    assert all("state=" in rules()[name] for name in constant)


def test_the_profile_has_one_place_for_all_rules_that_use_a_gpu():
    text = (REPOSITORY / "slurm/profile.yaml").read_text()
    used = re.sub(r"^# (?=set-resources|  \w+: [&*])", "", text, flags=re.MULTILINE)
    settings = yaml.safe_load(used)["set-resources"]
    assert set(settings) == {name for name, rule in rules().items() if "gpu=" in rule}
    assert all(
        each == {"slurm_partition": "gpu", "gpu_model": "a100"} for each in settings.values()
    )


def test_no_job_of_a_group_uses_a_gpu_and_every_group_of_the_profile_exists():
    found = {name: rule for name, rule in rules().items() if "    group:" in rule}
    assert len(found) > 20 and not any("gpu=" in rule for rule in found.values())
    named = {re.search(r"group:\n +(\S+)", rule)[1].strip('"') for rule in found.values()}
    cohorts = (REPOSITORY / "workflow/rules/cohorts.smk").read_text()
    reading = re.search(r"^READING_GROUP = .*", cohorts, re.MULTILINE)[0]
    named |= set(re.findall(r'"([\w{}]+)"', reading))
    profile = yaml.safe_load((REPOSITORY / "slurm/profile.yaml").read_text())
    assert set(profile["group-components"]) <= named
