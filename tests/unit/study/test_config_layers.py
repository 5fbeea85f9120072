"""What a configuration is merged from: files and the command line, the last of which overrides the others."""

import pytest
import yaml

from tests.unit.study.test_config import DEFAULT, merged
from transferability.study.configuration import complete_config


@pytest.mark.parametrize(
    ("on_the_command_line", "weights"),
    [
        ({"given": {"weights": {"mine": "m"}}}, {"mine": "m"}),
        ({"given": {"weights": {}}}, {}),
        ({"given": {"repeats": "5"}}, {"placeholder": "p", "other": "o"}),
        ({}, {"placeholder": "p", "other": "o"}),
    ],
)
def test_a_table_of_names_is_one_key_which_the_command_line_overrides(on_the_command_line, weights, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("given: {weights: {placeholder: p, other: o}}")
    config = merged(yaml.safe_load(file.read_text()), on_the_command_line)  # as Snakemake merges
    complete_config(config, [DEFAULT, file], command_line=on_the_command_line)
    assert config["given"]["weights"] == weights, "the file's weights beside those of the command line"
