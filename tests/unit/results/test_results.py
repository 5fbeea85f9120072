import json
import subprocess
import sys

import pytest

from transferability.common.checksums import fingerprint
from transferability.common.errors import InputError
from transferability.common.resources import RESOURCES
from transferability.common.spreadsheets import for_spreadsheets
from transferability.common.tables import write_table
from transferability.jobs.provenance import as_text, not_known
from transferability.results.accuracies import COLUMNS, read_accuracies, read_study
from transferability.results.accuracies import collect as collect_expected
from transferability.results.paper import paper_accuracies
from transferability.results.provenance import provenance_table


def record(**fields):
    base = {name: 1 for name in COLUMNS if name != "control"} | {"network": "A3B", "split": "random-0", "curve": []}
    content = base | {"by_class": {"n1": "1/4", "n2": "3/4"}} | fields
    return json.dumps(content | {"checksum": fingerprint(content)})


def collect(files):
    """Collect files whose marks are those of `record`."""
    return collect_expected(dict.fromkeys(files, 1), {("random-0", "B3B")})


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    paths[0].write_text(record(top1=0.5))
    paths[1].write_text(record(network="B3B", top1=0.25, by_class={"n1": "0/4", "n2": "1/4", "n3": "2/4"}))
    return paths


def test_one_row_per_network_and_one_per_class(files):
    table, by_class = collect(files)
    assert list(table.columns) == COLUMNS
    assert table["top1"].tolist() == [0.5, 0.25]
    assert table["control"].tolist() == [False, True]
    assert by_class["network"].tolist() == ["A3B"] * 2 + ["B3B"] * 3
    assert by_class.loc[1].tolist() == ["random-0", "A3B", "n2", 3, 4]


def test_tables_are_read_as_one_each_network_once(files, tmp_path):
    for name, chosen in {"one": files, "two": files[1:], "none": []}.items():
        for suffix, table in zip(("", "-by-class"), collect(chosen), strict=True):
            write_table(table, tmp_path / f"{name}{suffix}.csv")
    names = ("one", "two", "none")
    study = read_study([tmp_path / f"{n}.csv" for n in names], [tmp_path / f"{n}-by-class.csv" for n in names])
    assert study["network"].tolist() == ["A3B", "B3B"]
    assert study["by_class"][0].to_dict() == {"n1": -1 / 8, "n2": 1 / 8}
    assert study["by_class"][1].sum() == pytest.approx(0)
    assert read_accuracies([tmp_path / "none.csv"]).empty
    assert read_study([tmp_path / "one.csv"], [])["by_class"].isna().all()


def test_a_table_that_does_not_say_which_network_is_the_control_is_refused(files, tmp_path):
    """To infer it from the largest n took another network for it where a study still ran."""
    write_table(collect(files)[0].drop(columns="control"), tmp_path / "old.csv")
    with pytest.raises(InputError, match=r"old\.csv: no column control; .* delete it and run again"):
        read_accuracies([tmp_path / "old.csv"])


NAMES = ["'=A1", "-", "01", "1", "=A1", "None"]


def test_classes_may_be_called_anything(tmp_path):
    file = tmp_path / "a.json"
    file.write_text(record(by_class=dict.fromkeys(NAMES, "1/4")))
    for suffix, table in zip(("", "-by-class"), collect([file]), strict=True):
        write_table(for_spreadsheets(table), tmp_path / f"one{suffix}.csv")
    study = read_study([tmp_path / "one.csv"], [tmp_path / "one-by-class.csv"])
    assert sorted(study["by_class"][0].index) == NAMES


@pytest.mark.parametrize("content", ["", '{"network": "A3B"', "[]", "{}", record().replace("random-0", "random-1")])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "A3B.json").write_text(content)
    with pytest.raises(InputError, match=r"A3B\.json is damaged.*delete it and run again"):
        collect([tmp_path / "A3B.json"])


def test_a_file_of_another_mark_is_stale_and_not_collected(files):
    expected = {files[0]: 1, files[1]: "of this study"}
    with pytest.raises(
        InputError, match=r"1 of 2 networks were trained by other code, settings or data .*b\.json; run again"
    ):
        collect_expected(expected, set())


def test_the_papers_networks_get_our_names():
    table = paper_accuracies(RESOURCES / "paper_accuracies.csv").set_index(["split", "network"])
    assert len(table) == 148
    assert table.loc[("random-0", "baseB"), "top1_best10"] == 0.6340832
    assert table["treatment"].value_counts().to_dict() == {
        "base": 11,
        "selffer": 38,
        "transfer": 80,
        "random": 7,
        "reduced": 12,
    }
    assert table.index.is_unique
    assert table.loc[("manmade-natural", "baseA"), ["classes", "val_images"]].tolist() == [551, 27550]
    assert table.loc[("whole", "reduced-1300"), "examples_per_class"] == 1300


def test_provenance_is_summed_up_by_split_and_machine(tmp_path):
    entry = not_known("mark") | {"started": "2026-01-01T00:00:00+00:00", "images_per_s": 10.0, "host": "h"}
    entry |= {"resumed_at_iteration": 5, "device": "cpu", "threads": 1, "torch": "2", "python": "3"}
    (tmp_path / "random-0").mkdir()
    entries = {"baseA": entry | {"seconds": 1800.0}, "A3B": entry | {"seconds": 3600.0}, "lost": not_known("mark")}
    for name, content in entries.items():
        (tmp_path / "random-0" / f"{name}.json").write_text(as_text(content))
    files = dict.fromkeys(sorted(tmp_path.glob("*/*.json")), "mark")
    with pytest.raises(InputError, match=r"lost\.json describe other training runs; delete them"):
        provenance_table(files | {tmp_path / "random-0" / "lost.json": "another"})
    table = provenance_table(files)
    assert table[["split", "host", "timm", "networks", "resumed", "hours", "last_end"]].to_numpy().tolist() == [
        ["random-0", "h", "not known", 2, 2, 1.5, "2026-01-01 01:00:00"],
        ["random-0", "not known", "not known", 1, 0, 0.0, "not known"],
    ]


@pytest.mark.parametrize("content", ["", "{", '{"host": "evil"}', as_text({"host": "evil"}), "[]"])
def test_provenance_that_says_too_little_is_refused(tmp_path, content):
    (tmp_path / "A3B.json").write_text(content)
    with pytest.raises(InputError, match=r"A3B\.json is damaged .*no network is trained again for it"):
        provenance_table({tmp_path / "A3B.json": "mark"})


def test_tables_analysis_and_figures_do_without_torch():
    """Importing it would take each of some twenty short jobs two seconds more."""
    code = """if True:
        import importlib, pkgutil, sys
        for package in ("results", "analysis", "figures"):
            package = importlib.import_module(f"transferability.{package}")
            for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
                importlib.import_module(module.name)
        assert "torch" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", code], check=True)
