"""VCF Zarr: stores of both formats, of vcf2zarr and our own, read like the VCF; damaged stores."""

import shutil
import zipfile

import numpy as np
import pytest
import zarr
from cohorts import linked_calls, people_of, store_of
from cyvcf2 import VCF
from genotype_files import GT_LINE, need, read_whole, run, vcf_of, write_bgzip

from syncohort.errors import InputError
from syncohort.formats.contents import Contents, size_of
from syncohort.formats.readers import held_contigs, open_source
from syncohort.formats.vcf_writing import write_vcf

HEADER = (
    GT_LINE,
    '##FORMAT=<ID=PS,Number=1,Type=Integer,Description="Phase set">',
    '##INFO=<ID=PR,Number=0,Type=Flag,Description="Provisional">',
    '##FILTER=<ID=q10,Description="Low">',
    '##FILTER=<ID=s50,Description="Few">',
)


def odd_vcf() -> str:
    """Records of every kind: phased or not, missing, of one allele, of several ALT alleles."""
    rows = [
        ("chr3", 10, "A", "C", "PASS", ".", "GT:PS", "0|1:5", "1|0:5", "./.:.", "0|0:5"),
        ("chr3", 15, "g", "t", "q10", "PR", "GT:PS", "0|1:7", "1|0:9", "0/1:.", "0|0:5"),
        ("chr3", 20, "A", "C,G", "q10;s50", ".", "GT:PS", "0|1:5", "2|1:9", "0/2:.", "1|1:5"),
        ("chr3", 20, "A", "T", ".", "PR", "GT:PS", "1|0:5", "1|0:9", "0/.:.", "1:."),
        ("chr3", 25, "G", ".", ".", ".", "GT:PS", "0|0:5", "0|0:5", "0/0:.", "0|0:5"),
        ("chr3", 30, "AT", "A", ".", ".", "GT:PS", "0|1:5", "0|0:5", "0/0:.", "0|0:5"),
        ("X", 5, "C", "T", ".", ".", "GT:PS", "1:.", "0:.", "0|1:1", ".:."),
    ]
    return vcf_of(rows, people=4, header=HEADER, contigs=("chr3", "7", "X"))


def arrays_of(vcf) -> dict:
    """The arrays of the specification, in plain Python by way of cyvcf2."""
    file = VCF(str(vcf))
    records = list(file)
    contigs, filters = ["chr3", "7", "X"], ["PASS", "q10", "s50"]
    alleles = [[r.REF, *r.ALT, "", ""][:3] for r in records]
    calls = [r.genotype.array() for r in records]
    wide = [np.pad(c[:, :-1], ((0, 0), (0, 3 - c.shape[1])), constant_values=-2) for c in calls]
    return {
        "contig_id": (["contigs"], np.array(contigs)),
        "contig_length": (["contigs"], np.array([1000, 0, 2000])),
        "filter_id": (["filters"], np.array(filters)),
        "sample_id": (["samples"], np.array(file.samples)),
        "variant_contig": (["variants"], np.array([contigs.index(r.CHROM) for r in records], "i1")),
        "variant_position": (["variants"], np.array([r.POS for r in records], "i4")),
        "variant_id": (["variants"], np.array([r.ID for r in records])),
        "variant_id_mask": (["variants"], np.array([r.ID == "v10" for r in records])),
        "variant_allele": (["variants", "alleles"], np.array(alleles)),
        "variant_filter": (
            ["variants", "filters"],
            np.array([[name in r.FILTERS for name in filters] for r in records]),
        ),
        "variant_PR": (["variants"], np.array([r.INFO.get("PR") is not None for r in records])),
        "call_genotype": (["variants", "samples", "ploidy"], np.stack(wide).astype("i1")),
        "call_genotype_phased": (["variants", "samples"], np.stack([c[:, -1] for c in calls]) > 0),
        "call_PS": (["variants", "samples"], np.stack([r.format("PS")[:, 0] for r in records])),
    }


def write_zarr(arrays, path, *, zarr_format=2, changes=None):
    """Write arrays as a store in chunks of 2 x 3, in a folder or, ending .zip, a zip file."""
    folder = path.with_suffix(".folder") if path.suffix == ".zip" else path
    root = zarr.open_group(folder, mode="w", zarr_format=zarr_format)
    root.attrs["vcf_zarr_version"] = "0.5"
    for name, (dimensions, values) in {**arrays, **(changes or {})}.items():
        sizes = {"variants": 2, "samples": 3}
        chunks = [
            min(sizes.get(d, 9), max(n, 1)) for d, n in zip(dimensions, values.shape, strict=True)
        ]
        dtype = str if values.dtype.kind in "UT" else values.dtype
        names = {"dimension_names": dimensions} if zarr_format == 3 else {}
        spec = {"shape": values.shape, "chunks": chunks, "dtype": dtype, **names}
        array = root.create_array(name, **spec, config={"write_empty_chunks": True})
        array[...] = values.astype(object) if dtype is str else values
        if zarr_format == 2:
            array.attrs["_ARRAY_DIMENSIONS"] = dimensions
    if folder != path:
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(each for each in folder.rglob("*") if each.is_file()):
                archive.write(file, file.relative_to(folder))
        shutil.rmtree(folder)
    return path


@pytest.fixture(scope="module")
def vcf(tmp_path_factory):
    return write_bgzip(odd_vcf(), tmp_path_factory.mktemp("vcf") / "x.vcf.gz")


def require_like(source, truth, **options):
    """Whether two sources say the same of every chromosome."""
    assert source.contigs() == truth.contigs()
    assert source.counts() == truth.counts()
    assert source.sample_ids.tolist() == truth.sample_ids.tolist()
    for contig in truth.contigs():
        found, expected = (read_whole(each, contig, **options) for each in (source, truth))
        assert np.array_equal(found[0].position_bp, expected[0].position_bp)
        assert found[0].allele.tolist() == expected[0].allele.tolist()
        assert np.array_equal(found[0].provisional, expected[0].provisional)
        assert np.array_equal(found[1], expected[1])
        two = (expected[1] >= 0).all(axis=2) & (expected[1][..., 0] != expected[1][..., 1])
        assert np.array_equal(found[2] & two, expected[2] & two)
        for name in ("n_read", "dropped", "failed", "n_pairs", "n_breaks"):
            assert [getattr(c, name) for c in found[3]] == [getattr(c, name) for c in expected[3]]


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("name", ["x.vcz", "x.vcz.zip"])
def test_a_store_reads_like_its_vcf(zarr_format, name, vcf, tmp_path):
    path = write_zarr(arrays_of(vcf), tmp_path / name, zarr_format=zarr_format)
    assert held_contigs("vcf_zarr", str(path)) == ["3", "X"]
    source = open_source("vcf_zarr", path)
    assert (source.contig_length("3"), source.contig_length("7")) == (1000, None)
    for multiallelic in ("drop", "split"):
        for pass_only in (False, True):
            options = {"multiallelic": multiallelic, "pass_only": pass_only, "size": 2}
            require_like(source, open_source("vcf", vcf), **options)
    assert read_whole(source, "3")[0].id.tolist() == [".", "v15"]
    with pytest.raises(InputError, match="no variants of chromosome 7. It holds 3, X"):
        read_whole(source, "7")


SETS = {  # how programs write that calls are of phase set 5 or 9
    "PS": ("Number=1,Type=Integer", "{}"),
    "PSL": ("Number=.,Type=String", "b{0},b{0}"),
    "PID": ("Number=1,Type=String", "{}_A_C"),
    "HP": ("Number=.,Type=String", "{0}-1,{0}-2"),
}


@pytest.mark.parametrize("field", SETS)
def test_phase_sets_of_every_field_are_read(field, tmp_path):
    kind, written = SETS[field]
    header = (GT_LINE, f'##FORMAT=<ID={field},{kind},Description="x">')
    rows = [
        ("1", 10 * v + 10, "A", "C", ".", ".", f"GT:{field}", *[f"0|1:{written.format(name)}"] * 3)
        for v, name in enumerate((5, 5, 9, 9, 5))
    ]
    truth = write_bgzip(vcf_of(rows, header=header), tmp_path / "x.vcf.gz")
    values = [[r.format(field)[s] for s in range(3)] for r in VCF(str(truth))]
    if kind.startswith("Number=."):
        cells = [[str(v).split(",") for v in row] for row in values]
        values = (["variants", "samples", f"{field}_dim"], np.array(cells))
    else:
        array = np.array(values)
        values = (["variants", "samples"], array[..., 0] if array.ndim > 2 else array)
    calls = np.tile(np.array([0, 1], "i1"), (5, 3, 1))
    arrays = {
        "contig_id": (["contigs"], np.array(["1"])),
        "sample_id": (["samples"], np.array(["p0", "p1", "p2"])),
        "variant_contig": (["variants"], np.zeros(5, "i1")),
        "variant_position": (["variants"], np.arange(10, 60, 10, dtype="i4")),
        "variant_allele": (["variants", "alleles"], np.array([["A", "C"]] * 5)),
        "variant_id": (["variants"], np.array(["."] * 5)),
        "call_genotype": (["variants", "samples", "ploidy"], calls),
        "call_genotype_phased": (["variants", "samples"], np.ones((5, 3), bool)),
        f"call_{field}": values,
    }
    if field != "PS":  # which says nothing, and so does not count
        arrays["call_PS"] = (["variants", "samples"], np.full((5, 3), -1, "i4"))
    store = write_zarr(arrays, tmp_path / "x.vcz")
    for source in (open_source("vcf_zarr", str(store)), open_source("vcf", str(truth))):
        *_, chunks = read_whole(source, "1")
        assert (sum(c.n_pairs for c in chunks), sum(c.n_breaks for c in chunks)) == (12, 6)


@pytest.mark.slow
def test_stores_of_vcf2zarr(vcf, tmp_path):
    need("vcf2zarr")
    run("bcftools", "index", "--tbi", shutil.copy(vcf, tmp_path / "x.vcf.gz"))
    for zarr_format in ("2", "3"):
        made = ["--no-progress", "--force", "--zarr-format", zarr_format]
        run("vcf2zarr", "convert", *made, tmp_path / "x.vcf.gz", tmp_path / "x.vcz")
        require_like(open_source("vcf_zarr", tmp_path / "x.vcz"), open_source("vcf", vcf))


def test_cohort_datasets_are_stores_with_labels(tmp_path):
    people = people_of(["a", "b"] * 20)
    for chrom in ("1", "22"):
        calls = linked_calls(70, people.label, seed=int(chrom))
        store_of(tmp_path / f"{chrom}.zarr.zip", calls, people, contig=chrom, phased=chrom == "1")
        source = open_source("vcf_zarr", f"{tmp_path}/{{chrom}}.zarr.zip")
        variants, found, phased, _ = read_whole(source, f"chr{chrom}", size=33)
        assert np.array_equal(found, calls) and phased.all() == (chrom == "1")
        assert variants.id.tolist() == [f"v{i}" for i in range(70)]
    assert source.contigs() == ["1", "22"]
    assert source.people_columns()["label"].tolist() == people.label.tolist()


@pytest.mark.slow
def test_vcztools_views_a_cohort_dataset_as_the_vcf_that_we_write(tmp_path):
    need("vcztools")
    people = people_of(["a"] * 510)  # more than a chunk
    store = store_of(tmp_path / "1.zarr.zip", linked_calls(7, people.label, seed=1), people)
    write_vcf(store, tmp_path / "1.vcf.gz")
    seen = (
        run("vcztools", "view", tmp_path / "1.zarr.zip"),
        run("bcftools", "view", tmp_path / "1.vcf.gz"),
    )
    ours, theirs = ([r.split("\t") for r in t.splitlines() if r[:2] != "##"] for t in seen)
    assert [row[:5] + row[9:] for row in ours] == [row[:5] + row[9:] for row in theirs]


def without(name):
    return lambda arrays: {k: v for k, v in arrays.items() if k != name}


def with_values(name, change):
    return lambda arrays: {**arrays, name: (arrays[name][0], change(arrays[name][1]))}


FAULTS = {
    "no genotypes": (without("call_genotype"), "lacks call_genotype; a VCF Zarr store"),
    "no people": (without("sample_id"), "lacks sample_id"),
    "fewer positions": (with_values("variant_position", lambda x: x[:-1]), "different numbers"),
    "fewer ids": (with_values("sample_id", lambda x: x[:-1]), "of 4 people, and 3 sample ids"),
    "an id twice": (with_values("sample_id", lambda x: x[[0, 1, 1, 2]]), "more than once: p1"),
    "a chromosome": (with_values("variant_contig", lambda x: x + 2), "contig_id does not name"),
    "an allele": (with_values("call_genotype", lambda x: np.where(x == 1, 3, x)), "does not list"),
    "three alleles": (
        with_values("call_genotype", lambda x: x[..., [0, 1, 1]]),
        "has calls of 3 alleles; only diploid",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_store_that_contradicts_itself(name, vcf, tmp_path):
    change, message = FAULTS[name]
    path = write_zarr(change(arrays_of(vcf)), tmp_path / "x.vcz")
    with pytest.raises(InputError, match=rf"x\.vcz: .*{message}"):
        read_whole(open_source("vcf_zarr", path), "3")


def test_a_store_without_ids_is_read(vcf, tmp_path):
    arrays = without("variant_id")(arrays_of(vcf))
    source = open_source("vcf_zarr", write_zarr(arrays, tmp_path / "x.vcz"))
    assert set(read_whole(source, "3")[0].id) == {"."}


@pytest.mark.parametrize("options", [{"multiallelic": "split"}, {"variants": "all"}])
def test_a_call_beyond_several_listed_alleles_is_refused(options, vcf, tmp_path):
    arrays = with_values("call_genotype", lambda x: np.where(x == 2, 3, x))(arrays_of(vcf))
    with pytest.raises(InputError, match="of an allele that its record does not list"):
        read_whole(open_source("vcf_zarr", write_zarr(arrays, tmp_path / "x.vcz")), "3", **options)


def test_damaged_stores_are_named(vcf, tmp_path):
    path = write_zarr(arrays_of(vcf), tmp_path / "x.vcz.zip")
    content = path.read_bytes()
    place = content.index(b"call_genotype/0.0.0") + 40
    for damaged in (
        content[: len(content) // 2],
        content[:-5],
        b"",
        content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :],
    ):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"x\.vcz\.zip: cannot be read as a VCF Zarr store"):
            read_whole(open_source("vcf_zarr", path), "3")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty: cannot be read as a VCF Zarr store"):
        open_source("vcf_zarr", tmp_path / "empty")
    with pytest.raises(InputError, match="nothing: no such file or folder"):
        open_source("vcf_zarr", tmp_path / "nothing")


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_chunks_that_are_not_stored_are_said(zarr_format, vcf, tmp_path):
    path = write_zarr(arrays_of(vcf), tmp_path / "x.vcz", zarr_format=zarr_format)
    assert open_source("vcf_zarr", path).notes == []
    (path / {2: "call_genotype/1.0.0", 3: "call_genotype/c/1/0/0"}[zarr_format]).unlink()
    (note,) = open_source("vcf_zarr", path).notes
    assert "1 of 8 chunks of genotypes are not stored" in note


def test_a_folder_is_one_input_with_the_content_of_its_files(vcf, tmp_path):
    path = write_zarr(arrays_of(vcf), tmp_path / "x.vcz")
    contents = Contents(tmp_path / "notes.json")
    before = contents.of_file(path)
    assert contents.of_file(path) == before != "missing"
    assert size_of(path) == sum(f.stat().st_size for f in path.rglob("*") if f.is_file())
    chunk = path / "call_genotype/0.0.0"
    chunk.write_bytes(chunk.read_bytes()[::-1])
    assert contents.of_file(path) != before
