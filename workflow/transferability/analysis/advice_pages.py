"""The pages of the advice: one arm in some sentences, a table of arms, the figure, what is open, and the rules."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from transferability.analysis.advice_words import a_point, basis, called, percent, short, still_open, words
from transferability.analysis.arms import FOLDS, REPEATS, Source
from transferability.analysis.decision import Decision, decide
from transferability.analysis.doubts import doubts
from transferability.common.pages import Section

RULES = """An arm is one way to train a network. All arms are compared in the same blocks: repeats or folds of given
networks, or splits. {copies}

The advised arm is the cheapest to train whose mean accuracy lies within {margin} of the highest mean. {cost}

What an arm may lose, and which arms are ruled out, comes from intervals for the difference of each arm from the best of
all others. They hold together, for all arms, in at least 90 % of studies (one-sided). If they hold, no arm loses more
than its bound, and the best arm is not ruled out. An arm is ruled out if another one is surely more than
{margin} better. {errors} The method and its simulation are in docs/statistics.md."""
COPIES = """An~B copies all layers but the classifier and freezes the first n; AnB copies the first n and freezes
them, AnB+ copies the first n and fine-tunes them: above, all layers are new."""
COSTS = """Cost is the number of operations of the whole training, relative to fine-tuning everything (the largest
network, if there are several)."""
NO_COSTS = """Cost is not known here: the share of layers that learn stands for it, as fewer learning layers are
cheaper."""
ERRORS = {
    FOLDS: "The spread between folds is corrected for the training images that folds share (Nadeau & Bengio 2003).",
    REPEATS: "The spread between repeats is one error; that of the validation images, which repeats share, is added.",
}
SPLITS_ERROR = "The spread between splits is one error; that of the validation images, which splits share, is added."
PAIRED, INDEPENDENT = "Arms are compared image by image.", "Outcomes by image are not known, so that error is assumed."
FIGURE = """Accuracy over n. The advised arm has a ring. Bars are the simultaneous intervals of each arm against the
best of all others, drawn around the best mean, which is the dotted line. A bar that ends more than the margin below
that line (a point, or config key advice.margin) is that of an arm that is ruled out. An arrow marks a bar that leaves
the axis."""
OPEN = "What would decide the rest"
NOTHING = "This study has no networks with layers copied from another source (AnB, AnB+): there is nothing to advise."
COLUMNS = [
    *("source", "given", "network", "treatment", "n", "layer", "blocks", "networks", "accuracy", "balanced_accuracy"),
    *("loss", "loss_bound", "ruled_out", "cost", "minutes", "memory_mb", "advised", "low", "high"),
]


def advice_table(sources: Sequence[Source]) -> pd.DataFrame:
    """Return a row per arm of each source: COLUMNS. Exactly one arm of each source is advised.

    network is the name without its split (for two directions, that of the one to B), layer the last frozen or copied
    one. Accuracies and losses are shares: loss is the best mean seen minus the arm's, loss_bound what the arm may lose
    at most against the best (empty for one block alone). low and high are the interval that the figure shows.
    """
    tables = []
    for source in sources:
        decision = decide(source.evidence)
        table = source.arms.assign(source=source.name, blocks=source.evidence.blocks, accuracy=source.evidence.mean)
        table = table.assign(loss=decision.loss, loss_bound=decision.bound, ruled_out=decision.ruled_out)
        table = table.assign(low=decision.low, high=decision.high, advised=table.index == decision.advised)
        tables.append(table[COLUMNS])
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def advice_sections(accuracies: pd.DataFrame, sources: Sequence[Source], figure: Path | None = None) -> list[Section]:
    """Return the page: doubts about networks, then for each source the advice and the table of its arms, and so on."""
    if not sources:
        return [Section("Advice", NOTHING)]
    decided = [(source, decide(source.evidence), title(source)) for source in sources]
    return [
        *doubts(accuracies),
        *(
            Section(f"Advice: {name}", f"{words(source, decision)}\n\n{basis(source)}", arms_shown(source, decision))
            for source, decision, name in decided
        ),
        Section("Accuracy over n", FIGURE, image=figure),
        *(Section(f"{OPEN}: {name}", still_open(source, decision)) for source, decision, name in decided),
        Section("Rules", _rules(sources)),
    ]


def title(source: Source) -> str:
    """Return the name of a source for titles."""
    names = source.arms["given"].unique()
    return called(source.name, names[0] if len(names) == 1 else "")


def arms_shown(source: Source, decision: Decision) -> pd.DataFrame:
    """Return the table of arms as text; columns about which nothing is known are left out."""
    arms, evidence = source.arms, source.evidence
    verdicts = np.where(decision.ruled_out, "ruled out", np.where(arms.index == decision.advised, "advised", ""))
    table = pd.DataFrame({"verdict": verdicts, "given network": arms["given"], "network": arms["network"]})
    table["what is done"] = [short(arm) for _, arm in arms.iterrows()]
    table["up to"] = arms["layer"]
    table["accuracy"] = [percent(share) for share in evidence.mean]
    table["balanced accuracy"] = [_known(share, percent) for share in arms["balanced_accuracy"]]
    table["points below the best"] = [f"{100 * loss:.1f}" for loss in decision.loss]
    table["at most"] = [_known(100 * bound, "{:.1f}".format) for bound in decision.bound]
    table["cost" if source.costs_known else "share of layers that learn"] = [
        _known(cost, "{:.2g}".format) for cost in arms["cost"]
    ]
    table["minutes"] = [_known(minutes, "{:.1f}".format) for minutes in arms["minutes"]]
    table["memory, MB"] = [_known(memory, "{:.0f}".format) for memory in arms["memory_mb"]]
    empty = [name for name in table if (table[name] == "").all()]
    one = ["given network"] if arms["given"].nunique() == 1 and "given network" not in empty else []
    return table.drop(columns=[*empty, *one])


def _known(number: float, form) -> str:
    return "" if pd.isna(number) else form(number)


def _rules(sources: Sequence[Source]) -> str:
    costs = COSTS if all(source.costs_known for source in sources) else NO_COSTS
    errors = []
    for source in sources:
        if source.evidence.blocks > 1:
            paired = [] if source.kind == FOLDS else [PAIRED if source.by_image else INDEPENDENT]
            errors += [ERRORS.get(source.kind, SPLITS_ERROR), *paired]
    said = " ".join(dict.fromkeys(errors)) or "One block alone has no interval: nothing is ruled out."
    margin = a_point(sources[0].evidence.margin)
    return RULES.format(copies=COPIES, cost=costs, errors=said, margin=margin)
