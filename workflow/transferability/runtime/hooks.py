"""What the workflow does before jobs are chosen, before they start, and after they have ended."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from transferability.common.errors import InputError, counted, remedy
from transferability.jobs.study_list import write_networks
from transferability.runtime import fork_server
from transferability.runtime import snakemake_parts as parts
from transferability.runtime.code import script_code
from transferability.runtime.environment import job_environment
from transferability.runtime.finished_copies import Finished, products_of
from transferability.runtime.made_from import is_as_made
from transferability.runtime.progress import read_progress
from transferability.runtime.slurm import cancel_left_behind, check_slurm_answers
from transferability.runtime.up_to_date import expected_mark, is_up_to_date
from transferability.study.files import is_foreign_to_model
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan

Job = parts.Job


class Hooks:
    """The hooks of a study. They raise InputError.

    `code` is that of `marks.code_of`; `say` writes a line to the console.
    """

    def __init__(
        self,
        workflow: Any,
        study: StudyPlan,
        code: Mapping[str, str],
        repository: Path,
        imported: bool,
        say: Callable[..., None],
    ):
        self._workflow, self._study, self._code, self._say = workflow, study, code, say
        self._repository, self._imported = repository, imported
        self._results = study.results
        self._trained: list[Network] = []  # by this run
        self._reports = False

    def before_report(self) -> None:
        """From now on treat results that are out of date as an error: a report would show them."""
        self._reports = True

    def out_of_date(self, jobs: Iterable[Job]) -> list[Job]:
        """Return the jobs whose results exist but do not match the study's present configuration, data or code.

        It is called after all workflows have been read and before jobs are chosen.
        """
        parts.lift_job_rate_limit(self._workflow)
        if self._imported:
            parts.run_hooks_of_imported(self._workflow, self.before_jobs, self.after_jobs)
        if self._workflow.dag_settings.allowed_rules:
            raise InputError(
                "--allowed-rules given: the results of other rules would not be compared with this study; name the "
                "files that you want, or use --until"
            )
        found = [job for job in jobs if self._is_out_of_date(job)]
        if networks := sum(self._network(job) is not None for job in found):
            self._say(f"{counted(networks, 'network')} may not match this study; matching ones are not trained again")
        if found and self._reports:
            raise InputError(
                "a report would show results that do not match this study; run snakemake without a report first"
            )
        return found

    def _is_out_of_date(self, job: Job) -> bool:
        if network := self._network(job):
            there = products_of(self._results, network).are_there()
            return there and not is_up_to_date(self._study, network, self._code)
        return self._is_noted(job) and not is_as_made(self._results.root, job, script_code(job.rule.script))

    def _is_noted(self, job: Job) -> bool:
        """Whether a script of this workflow makes the job's results and records their inputs, and a result exists."""
        of_this_study = job.output and Path(job.output[0]).is_relative_to(self._results.root)
        if not (of_this_study and job.rule.script and any(map(os.path.exists, job.output))):
            return False
        script = os.path.normpath(f"{job.rule.basedir}/{job.rule.script}")
        return Path(script).parent == Path(os.path.normpath(self._repository / "workflow" / "scripts"))

    def _network(self, job: Job) -> Network | None:
        """The network that a job trains, None for other jobs. An importing workflow may have renamed the rules."""
        product = job.output.get("accuracy", "")
        if not {"split", "network"} <= set(job.wildcards.keys()):
            return None
        with suppress(ValueError):
            network = Network.parse(job.wildcards["split"], job.wildcards["network"])
            if product == str(products_of(self._results, network).accuracy):
                return network
        return None

    @parts.with_one_message
    def before_jobs(self) -> None:
        """Write the list of requested networks, keep results that jobs may replace, and prepare for training."""
        os.environ.update(job_environment(self._repository))
        jobs = [(job, network) for job in self._workflow.dag.jobs if (network := self._network(job))]
        with suppress(OSError):  # jobs that write there will report it
            asked = {network for _, network in jobs}
            write_networks(self._study, asked)
        if self._workflow.touch:
            return
        if self._workflow.executor_plugin.name == "slurm":
            check_slurm_answers()
        self._check_sources()
        due = [(job, network) for job, network in jobs if self._workflow.dag.needrun(job)]
        self._trained = [network for _, network in due]
        parts.answer_ctrl_c(self._workflow)
        if due:
            rules = dict(Counter(job.rule.name for job, _ in due))
            says = {"networks": (len(due), len(jobs)), "rules": rules}
            self._say(f"{len(due)} of {len(jobs)} networks to train", extra=says)
        try:
            self._keep(due)
        except OSError as error:
            raise InputError(f"{error}; {remedy(error)}") from error
        self._ready_to_train()

    def _check_sources(self) -> None:
        """Raise InputError before Snakemake deletes files that cannot be made again, or that are not this study's."""
        for job in filter(self._is_noted, self._workflow.dag.needrun_jobs()):
            source = job.params.get("file") or job.params.get("root")
            if source and not Path(source).exists():
                raise InputError(
                    f"{job.output[0]} may not match this study, and {source} is missing, from which it would be made "
                    "again; restore it, and run again (nothing was deleted)"
                )
            for path in job.output:
                if path.is_directory and (strange := self._foreign_file(Path(path))):
                    raise InputError(
                        f"{strange} was not made by this study, and would be deleted with {path}: move it "
                        "elsewhere, and run again (nothing was deleted)"
                    )

    def _foreign_file(self, directory: Path) -> Path | None:
        """A file in the directory that a job makes, of pictures or of a model, that no job makes."""
        if directory == self._results.model:
            return next((file for file in sorted(directory.glob("*")) if is_foreign_to_model(file)), None)
        from transferability.datasets.pictures import foreign_file  # importing networkx takes 0.2 s

        return foreign_file(directory)

    def _keep(self, due: Iterable[tuple[Job, Network]]) -> None:
        """Set aside the finished networks whose jobs are due, except those that the user forces to be trained again."""
        for network in set(self._study.networks) - {network for _, network in due}:
            self._finished(network).settle(products_of(self._results, network))
        for job, network in due:
            products = products_of(self._results, network)
            if parts.is_forced(self._workflow, job):
                self._forget(network)
            else:
                self._finished(network).set_aside(products)

    def _forget(self, network: Network) -> None:
        products_of(self._results, network).accuracy.unlink(missing_ok=True)
        with suppress(OSError, InputError):  # if an input is missing, the network will get another mark
            self._finished(network).drop(expected_mark(self._study, network, self._code))

    def _ready_to_train(self) -> None:
        if not self._workflow.local_exec:
            cancel_left_behind(set(parts.submitted(self._workflow)), self._progress())
        elif len(self._trained) > 1 and fork_server.is_useful(self._study.config["device"]):
            with suppress(OSError):  # without the server, jobs run in their own processes
                optimizer = self._study.config["training"]["optimizer"]
                fork_server.start(list(self._code), optimizer, self._results.logs / "fork_server.log")

    def _progress(self) -> Iterator[dict]:
        """The progress files of earlier jobs that train, or trained, the networks of this run.

        No other snakemake waits for these jobs: otherwise this one could not have locked their files.
        """
        for network in self._trained:
            if told := read_progress(self._results, network.split, network.name):
                yield told

    def after_success(self) -> None:
        """After a run of rule all, report which results to open first."""
        self.after_jobs()
        if any(job.rule.name == "all" for job in self._workflow.dag.targetjobs):
            names = (["figure2.pdf"] if self._study.experiments["random-splits"] else []) + ["advice.md"]
            files = " and ".join(str(self._results.root / name) for name in names)
            self._say(f"open {files} first; README.md lists the other results")

    def after_jobs(self) -> None:
        """Delete the copies of the networks that this run has trained."""
        for network in self._trained:
            with suppress(OSError):
                self._finished(network).settle(products_of(self._results, network))

    def _finished(self, network: Network) -> Finished:
        return Finished(self._results.state, network.split, network.name)
