"""Folders of the user's files stay out of what is shown to others."""

import pytest

from syncohort.config.places import FILES, by_name, folders_of, without_folders
from syncohort.config.sections import sections_below
from syncohort.config.study import Config

SETTINGS = {
    "input": {"path": "/data/my study/c{chrom}.bed", "fam": "/data/my study/people/c.fam"},
    "labels": {"table": "labels.tsv", "missing": ["/x", "a/b", "/a/b", None, 7]},
}
# Texts of the configuration that are no files of the user.
NO_FILES = {"cohort", "resources", "id_column", "label_column", "family_column", "representation"}


def test_files_go_by_their_names():
    shown = by_name(SETTINGS)
    assert shown["input"] == {"path": "c{chrom}.bed", "fam": "c.fam"}
    assert shown["labels"] == SETTINGS["labels"]  # labels may look like paths


@pytest.mark.parametrize(
    "path",
    ["../../home/jsmith/x.vcf", "~/x.vcf", "file:///home/x.vcf", "data/jsmith/x.vcf", "x.vcf"],
)
def test_however_a_path_is_written_its_folder_is_not_shown(path):
    settings = {"input": {"path": path, "reference": [path, f"{path}/"]}}
    assert by_name(settings) == {"input": {"path": "x.vcf", "reference": ["x.vcf", "x.vcf"]}}
    text = f"{path}, line 2; (see {path}) and metadata/y of file 7"
    assert without_folders(text, folders_of(settings)) == (
        "x.vcf, line 2; (see x.vcf) and metadata/y of file 7"
    )


def test_every_text_of_the_configuration_is_known_as_a_file_or_none():
    texts = {
        name
        for model in (Config, *(section for _, section, _ in sections_below(Config)))
        for name, field in model.model_fields.items()
        if field.annotation in (str, str | None)
    }
    assert texts == {*FILES, *NO_FILES} - {"reference"}  # one or a list


def test_texts_lose_the_folders():
    folders = folders_of(SETTINGS)
    assert folders == ["/data/my study/people", "/data/my study"]
    text = "/data/my study/c21.bed: 3 records; /data/my study/people/c.fam, line 2; /usr/x"
    assert without_folders(text, folders) == "c21.bed: 3 records; c.fam, line 2; /usr/x"
