"""What stands in more than one file of the repository is the same in all of them."""

import re
import tomllib

import yaml

from tests.conftest import REPOSITORY


def text_of(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def test_all_files_give_the_same_version():
    version = tomllib.loads(text_of("pyproject.toml"))["project"]["version"]
    citation = yaml.safe_load(text_of("CITATION.cff"))
    heading = re.search(r"^## (\S+) \((\S+)\)$", text_of("CHANGELOG.md"), re.MULTILINE)
    report = re.search(r"version (\S+) of the workflow", text_of("workflow/report/study.rst"))
    assert [citation["version"], heading[1], report[1]] == [version] * 3
    assert heading[2] == str(citation["date-released"])


def test_every_change_says_whether_it_retrains():
    lines = re.split(r"^- ", text_of("CHANGELOG.md"), flags=re.MULTILINE)[1:]
    assert len(lines) > 30
    marked = re.compile(r"\*\*(retrains [^*]+|does not retrain)\*\*")
    assert not [line for line in lines if not marked.search(" ".join(line.split()))]


def test_the_container_has_the_packages_of_the_lock_and_no_rights():
    container = text_of("Containerfile")
    instructions = [line for line in container.splitlines() if line and not line.startswith("#")]
    lock = instructions.index("RUN pip install --no-cache-dir -r envs/requirements.lock")
    library = next(k for k, line in enumerate(instructions) if "--no-deps -e ." in line)
    user = instructions.index("USER study")
    assert instructions.index("COPY envs/requirements.lock envs/requirements.lock") < lock < library < user
    assert len(re.findall("pip install", container)) == 2
    assert 'ENTRYPOINT ["snakemake"]' in instructions
    assert instructions[0] == "FROM python:3.11-slim"


def test_the_linters_of_a_commit_are_those_of_make_lint():
    lint = re.search(r"^LINT := ((?:.*\\\n)*.*)$", text_of("Makefile"), re.MULTILINE)[1].replace("\\\n", "")
    commands = [command.strip().replace("$(BIN)", ".venv/bin") for command in lint.split("&&")]
    [repository] = yaml.safe_load(text_of(".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local"
    assert [hook["entry"] for hook in repository["hooks"]] == commands
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}


def test_the_workflow_of_tests_does_what_the_script_does():
    jobs = yaml.safe_load(text_of(".github/workflows/test.yml"))["jobs"]
    lines = [step.get("run", "") for job in jobs.values() for step in job["steps"]]
    assert {"make test PYTHON=python3.11", "make smoke PYTHON=python3.13"} <= set(lines)
    wanted = set(re.findall(r"wanted\+=\((\S+)\)", text_of(".ci/run"))) - {"chromium"}  # the runner has a Chrome
    assert wanted == {"wordnet-base", "slurm-wlm", "munge"}
    assert wanted <= set(" ".join(lines).split())


def test_issues_are_asked_for_status_and_log():
    for name in ("bug", "feature"):
        form = yaml.safe_load(text_of(f".github/ISSUE_TEMPLATE/{name}.yml"))
        labels = " ".join(field["attributes"]["label"] for field in form["body"])
        assert "transferability-status --json" in labels
        assert "log's path" in labels
        assert len({field["id"] for field in form["body"]}) == len(form["body"])
