import json

import pytest
from transferability.errors import InputError
from transferability.results import COLUMNS, collect, paper_accuracies, read_accuracies
from transferability.wordnet import RESOURCES


def record(**fields):
    base = dict.fromkeys(COLUMNS, 1) | {"network": "A3B", "split": "random-0", "curve": []}
    return json.dumps(base | fields)


def test_one_row_per_network(tmp_path):
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    files[0].write_text(record(top1=0.5))
    files[1].write_text(record(network="B3B", top1=0.25))
    table = collect(files)
    assert list(table.columns) == COLUMNS
    assert table["top1"].tolist() == [0.5, 0.25]
    table.to_csv(tmp_path / "table.csv", index=False)
    assert read_accuracies(tmp_path / "table.csv")["network"].tolist() == ["A3B", "B3B"]


@pytest.mark.parametrize("content", ["", '{"network": "A3B"', "[]", "{}"])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "A3B.json").write_text(content)
    with pytest.raises(InputError, match=r"A3B\.json is damaged.*delete it and run again"):
        collect([tmp_path / "A3B.json"])


def test_the_papers_networks_get_our_names():
    table = paper_accuracies(RESOURCES / "paper_accuracies.csv").set_index(["split", "network"])
    assert len(table) == 10 + 38 + 80
    assert table.loc[("random-0", "baseB"), "top1_best10"] == 0.6340832
    assert set(table["treatment"]) == {"base", "selffer", "transfer"}
    assert table.index.is_unique
