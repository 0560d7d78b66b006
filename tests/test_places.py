"""Folders of the user's files stay out of what is shown to others."""

from syncohort.config.places import by_name, folders_of, without_folders

SETTINGS = {
    "input": {"path": "/data/my study/c{chrom}.bed", "fam": "/data/my study/people/c.fam"},
    "labels": {"table": "labels.tsv", "missing": ["/x", "a/b", None, 7]},
}


def test_files_go_by_their_names():
    shown = by_name(SETTINGS)
    assert shown["input"] == {"path": "c{chrom}.bed", "fam": "c.fam"}
    assert shown["labels"] == SETTINGS["labels"]  # relative paths, and labels that begin with /


def test_texts_lose_the_folders():
    folders = folders_of(SETTINGS)
    assert folders == ["/data/my study/people", "/data/my study"]
    text = "/data/my study/c21.bed: 3 records; /data/my study/people/c.fam, line 2; /usr/x"
    assert without_folders(text, folders) == "c21.bed: 3 records; c.fam, line 2; /usr/x"
