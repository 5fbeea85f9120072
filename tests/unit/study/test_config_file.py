"""A file of configuration is read as Snakemake reads it, or is one error that names file, line and remedy."""

import json
import os
from functools import reduce

import pytest
from snakemake.common.configfile import load_configfile

from tests.unit.study.test_config import DEFAULT, merged
from transferability.common.errors import InputError
from transferability.study.config_file import read_config_file
from transferability.study.configuration import SCHEMA, validate_config

TWICE = "training: given twice, and only the last would be used; join the two"
WRONG = {
    "a section twice": (
        b"training: {learning_rate: 1}\nseed: 1\ntraining: {momentum: 0}\n",
        "FILE, line 3: training: given twice",
    ),
    "a key twice": (b"training:\n  rate: 1\n  rate: 2\n", "FILE, line 3: rate: given twice, also in line 2, and only"),
    "a key in a list twice": (b"a: [{b: 1, b: 2}]", "FILE, line 1: b: given twice"),
    "a key in two spellings": (b"a:\n  10: x\n  0xA: y\n", "FILE, line 3: 10: given twice"),
    "a section of JSON twice": (b'{"training": {},\n "training": {}}', f"FILE: {TWICE}"),
    "UTF-16": ("seed: 1".encode("utf-16"), "FILE: not UTF-8 text; save it as UTF-8, or give another file (targets"),
    "UTF-16 without a mark": ("seed: 1".encode("utf-16-le"), "FILE: not YAML: "),
    "latin1": (b"results_dir: caf\xe9", "FILE: not UTF-8 text"),
    "a figure": (b"%PDF\xac", "FILE: not UTF-8 text; save it as UTF-8, or give another file (targets come before --"),
    "no YAML": (b"a: 1\nb: [\nc: 2", "FILE, line 4: not YAML: did not find expected"),
    "no such day": (b"a: 2024-13-45", "FILE: not YAML: month must be in 1..12"),
    "a key that is a list": (b"a: 1\n? [1, 2]\n: 3", "FILE, line 2: not YAML: found unhashable key"),
    "two documents": (b"a: 1\n---\nb: 1", "FILE, line 2: not YAML: but found another document"),
    "depths of JSON": (b"[" * 100_000, "FILE: sections are nested too deeply"),
    "depths": (b"{a: " * 3_000 + b"1" + b"}" * 3_000, "FILE: sections are nested too deeply"),
    "a list": (b"- a", "FILE: no keys in the file; give keys such as"),
    "nothing": (b"# later\n", "FILE: no keys in the file"),
    "a template in JSON": (b'{"__use_yte__": true}', "FILE: __use_yte__: with this key snakemake runs"),
    "a template that is none": (b"__use_yte__: false", "FILE: __use_yte__: with this key snakemake runs"),
}
RIGHT = {
    "YAML": b"a: {b: 1.5, c: [x, 2]}",
    "JSON": b'{"a":\t{"b": 1e-3}}',
    "with a mark of UTF-8": b"\xef\xbb\xbfa: 1",
    "JSON with a mark of UTF-8": b'\xef\xbb\xbf{"a": 1}',
    "letters": "a: café 网".encode(),
    "inheritance": b"base: &base {a: 1, b: 2}\nother: &other {<<: *base, b: 3}\nc: {<<: *base, <<: *other, b: 4}",
    "the same value in many places": b"a: &a [1, 2]\nb: *a\nc: {d: *a}",
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_plain_configuration_is_one_error(kind, tmp_path):
    content, message = WRONG[kind]
    file = tmp_path / "mine.yaml"
    file.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_config_file(file)
    assert str(error.value).startswith(message.replace("FILE", str(file))) and "\n" not in str(error.value)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_pipe_or_a_directory_is_not_waited_for(make, tmp_path):
    make(tmp_path / "mine.yaml")
    with pytest.raises(InputError, match=r"mine.yaml: not a regular file, and jobs need to read it repeatedly"):
        read_config_file(tmp_path / "mine.yaml")


@pytest.mark.parametrize("kind", RIGHT)
def test_what_is_one_is_read_as_snakemake_reads_it(kind, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_bytes(RIGHT[kind])
    assert read_config_file(file) == json.loads(json.dumps(load_configfile(file)))


@pytest.mark.parametrize("kind", ["a section twice", "UTF-16", "no YAML", "a list"])
def test_snakemake_ends_with_that_error(kind, checkout):
    content, message = WRONG[kind]
    file = checkout.root / "mine.yaml"
    file.write_bytes(content)
    run = checkout.snakemake("-n", "--configfile", str(file), check=False)
    assert run.returncode == 1 and "Traceback" not in run.stdout
    assert f"the configuration is wrong\n{message.replace('FILE', str(file))}" in run.stdout


def test_a_mark_of_utf8_changes_nothing(checkout):
    file = checkout.root / "mine.yaml"
    file.write_bytes(b"\xef\xbb\xbfresults_dir: results/marked\n")
    run = checkout.snakemake("-n", "--configfile", str(file))
    assert "results/marked/figure2.pdf" in run.stdout


def numbers(part: dict, above: tuple = ()):
    """The keys of a part of the schema that take numbers."""
    for name, key in part.get("properties", {}).items():
        key = {**read_config_file(SCHEMA)["$defs"].get(key.get("$ref", "").removeprefix("#/$defs/"), {}), **key}
        if "properties" in key:
            yield from numbers(key, (*above, name))
        elif key.get("type") in ("number", "integer"):
            yield *above, name


@pytest.mark.parametrize("key", [*numbers(read_config_file(SCHEMA))], ids=".".join)
@pytest.mark.parametrize("value", [float("nan"), float("-inf"), float("inf"), "nan"])
def test_what_is_no_finite_number_is_an_error_wherever_a_number_is_wanted(key, value):
    layer = reduce(lambda content, name: {name: content}, reversed(key), value)
    with pytest.raises(InputError, match=rf"{'.'.join(key)}: -?(nan|inf) given"):
        validate_config(merged(layer), [DEFAULT])
