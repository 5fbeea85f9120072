"""How transferable are the features of a network? The library behind the workflow; it knows nothing of Snakemake.

From Python (docs/from-python.md): `load_study` reads what a study has found, `train_network` and `transfer` train one
network without a study.
"""

from importlib import import_module

# What a notebook uses, and the module that has it: imported on first use, as pandas and torch take seconds.
PUBLIC = {
    "Study": "analysis.study_tables",
    "load_study": "analysis.study_tables",
    "Trained": "jobs.single",
    "train_network": "jobs.single",
    "transfer": "jobs.single",
}
__all__ = ["Study", "Trained", "load_study", "train_network", "transfer"]


def __getattr__(name: str):
    if name not in PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *PUBLIC})
