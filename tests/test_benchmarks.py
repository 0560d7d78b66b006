"""The benchmarks compare like with like: the plain ways give what the package gives."""

import importlib
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import REPOSITORY

from syncohort.diffusion.process import Process
from syncohort.diffusion.samplers import ancestral, sampling_times
from syncohort.diffusion.schedules import make_schedule
from syncohort.evaluation.privacy.neighbours import nearest_neighbours


@pytest.fixture
def scripts(monkeypatch):
    """Import a module of benchmarks/ by its name."""
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    return importlib.import_module


class FixedNetwork(torch.nn.Module):
    """A smooth function of all it is given."""

    def forward(self, x, t_fraction, label, residual=True):
        return torch.tanh(x * (1 + label)[:, None, None]) + t_fraction[:, None, None]


def test_plain_noise_loss_is_the_eps_target(scripts):
    plain = scripts("plain_diffusion")
    mask = torch.ones(6, 8, dtype=torch.bool)
    process = Process(make_schedule("cosine", 50), "eps", mask)
    random = torch.Generator().manual_seed(1)
    x0, noise = (torch.randn(4, 6, 8, generator=random) for _ in range(2))
    times, labels = torch.tensor([1, 7, 30, 50]), torch.tensor([0, 1, 2, 1])
    ours = process.row_losses(FixedNetwork(), x0, times, noise, labels).mean()
    theirs = plain.noise_loss(FixedNetwork(), x0, labels, times, noise, plain.cosine_betas(50))
    torch.testing.assert_close(theirs, ours)


def test_plain_sampling_is_ancestral_over_all_steps(scripts):
    plain = scripts("plain_diffusion")
    n_steps, labels = 30, torch.tensor([0, 1, 2])
    schedule = make_schedule("cosine", n_steps)
    process = Process(schedule, "eps", torch.ones(5, 8, dtype=torch.bool))

    def draws():
        random = torch.Generator().manual_seed(2)
        return lambda *shape: torch.randn(shape or (3, 5, 8), generator=random)

    def denoise(x, t):
        times = torch.full((3,), t)
        prediction = process.predict(FixedNetwork(), x, times, labels)
        return process.prediction_to_x0(prediction, x, times)

    noise = draws()
    ours = ancestral(denoise, noise(), schedule, sampling_times(schedule, n_steps), noise)
    betas = plain.cosine_betas(n_steps)
    theirs = plain.sample_batch(FixedNetwork(), labels, (5, 8), betas, draws())
    torch.testing.assert_close(theirs, ours, rtol=1e-3, atol=1e-3)


def test_gene_pca_loop_finds_the_same_components(scripts, tmp_path):
    bench, size = scripts("gene_pca"), scripts("sizes").SIZES["tiny"]
    bench.prepare_dense(tmp_path, size)
    length = bench.lengths(tmp_path)
    rows = np.concatenate(list(bench.parts(tmp_path)), axis=1).T
    assert rows.shape == (size.gene_pca.n_people, length.sum())
    assert length.min() >= 5 and length.max() <= 100
    ours = bench.our_components(tmp_path, threads=2, n_at_once=25)
    found = bench.sklearn_components(rows, length, "auto")
    for first, axes in zip(bench.first_variants(length), found, strict=True):
        k, n_snps = axes.shape
        loadings = ours.loadings[first : first + n_snps, :k]
        np.testing.assert_allclose(loadings @ loadings.T, axes.T @ axes, atol=1e-6)


def test_all_ways_find_the_same_neighbours(scripts, tmp_path):
    bench, size = scripts("neighbours"), scripts("sizes").SIZES["tiny"]
    bench.prepare(tmp_path, size)
    a, b = bench.read(tmp_path)
    ours = nearest_neighbours(a, b)
    distance, _ = bench.sklearn_nearest(a, b)  # another of several at the same distance
    np.testing.assert_allclose(ours.distance, distance, rtol=1e-6)
    looped = np.array(bench.loop_nearest(a, b))
    np.testing.assert_allclose(ours.distance[:, 0], looped[:, 0], rtol=1e-6)
    assert ours.index[:, 0].tolist() == looped[:, 1].astype(int).tolist()


def test_the_recommended_loop_trains_and_samples(scripts, tmp_path):
    scripts("diffusion_data").prepare(tmp_path, size := scripts("sizes").SIZES["tiny"])
    ours, plain = scripts("our_diffusion"), scripts("plain_diffusion")
    assert plain.train(tmp_path, size).amount == 128
    assert ours.train_16(tmp_path, size).amount == 128 == ours.train_128(tmp_path, size).amount
    assert ours.sample_sde_dpm2m_40(tmp_path, size).amount == 4
    assert np.load(tmp_path / "genomes.npy").shape == (4, 16, 8)
    assert plain.sample(tmp_path, size).amount == 2
    assert len(list(tmp_path.glob("genome_*.pt"))) == 2


def test_one_table(scripts, tmp_path, monkeypatch, capsys):
    bench = scripts("bench")
    out = tmp_path / "bench.tsv"
    arguments = ["bench", "--size", "tiny", "--only", "neighbours", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", arguments)
    bench.main()
    lines = [line.split("\t") for line in out.read_text().splitlines()]
    assert lines[0] == list(bench.COLUMNS)
    assert [line[1] for line in lines[1:]] == [run.how for run in bench.COMPARISONS[-1].runs]
    assert lines[1][4] == "1" and all(float(line[5]) > 10 for line in lines[1:])
    assert "nearest neighbours" in capsys.readouterr().out


def test_every_run_exists(scripts):
    for comparison in scripts("bench").COMPARISONS:
        works = [comparison.data, *(run.work for run in comparison.runs)]
        for work in works:
            module, function = work.split(":")
            assert callable(getattr(scripts(module), function))


def test_exponents_are_those_of_the_largest_sizes(scripts):
    table = pd.DataFrame({"people": [1, 10, 100, 10], "snps": [5, 5, 5, 50]})
    table["cpu_s"] = table["people"] ** 2.0 * table["snps"] + 1e-3
    scale = scripts("scale")
    assert scale.exponent(table, "people", "cpu_s") == pytest.approx(2, abs=0.01)
    assert np.isnan(scale.exponent(table[:1], "people", "cpu_s"))


def test_stages_run_on_a_resampled_cohort(scripts):
    table = scripts("scale").measure_all([(60, 300)])
    assert table["stage"].tolist() == list(scripts("scale").STAGES)
    assert (table[["cpu_s", "peak_mb", "written_mb"]] > 0).all().all()


def test_a_plan_is_linear_beyond_the_largest_size(scripts):
    sizes = {"stage": "import", "people": [100, 200], "snps": 1_000, "cpu_s": [3.0, 5.0]}
    table = pd.DataFrame(sizes | {"peak_mb": [80, 90], "written_mb": [1.0, 2.0]})
    found = scripts("plan").stages(table, 2_000, 72_000)
    assert found.loc["import"].tolist() == [1.0, 1.44, 90]  # 720 times 5 s and 2 MB


def test_a_plan_has_the_networks_that_the_check_foresees(scripts):
    plan = scripts("plan")
    study = plan.study()
    demo = study.demo.model_copy(update={"length_mb": {21: 2.3, 22: 2.5}})
    study = study.model_copy(update={"demo": demo})
    small, large = (plan.networks(study, 400, n_snps) for n_snps in (10_000, 20_000))
    weights = "weights of all, of the largest [million]"
    assert small["networks"] == "2"
    ours, theirs = (float(each[weights].split(", ")[0]) for each in (large, small))
    assert ours == pytest.approx(2 * theirs, rel=0.1)


@pytest.mark.slow
def test_our_stages_agree_with_the_programs(scripts, tmp_path):
    """Every line beside a program, at a small size: each raises where the results differ."""
    programs, own = scripts("real_programs"), scripts("sizes").SIZES["tiny"].programs
    compared = 0
    for name in programs.FAMILIES:
        family, folder = scripts(name), tmp_path / name
        folder.mkdir()
        family.prepare(folder, own.n_people, own.n_variants, None)
        for line in family.LINES:
            if shutil.which(line.command[0]) is None:
                continue
            getattr(family, line.ours)(folder)
            used = programs.run_program(line.command, folder)
            assert used.peak_mb > 5
            assert line.compare(folder)
            compared += 1
    if not compared:
        pytest.skip("no program to compare with is installed")


def test_a_missing_program_is_said(scripts, tmp_path):
    programs = scripts("real_programs")
    line = programs.Line("this", "nothing", ("no-such-program",), lambda _: "")
    row = programs.measure("genotype_statistics", line, tmp_path)
    assert row["agreement"] == "no-such-program is not installed"
    assert programs.report([row]).splitlines()[0].split("\t") == list(programs.COLUMNS)
