"""What docs/findings.md says, computed from the tables in docs/findings/.

Tables stand between `<!-- table NAME -->` and `<!-- end -->`, numbers in sentences between `<!-- STUDY: FORMULA -->`
and `<!--/-->`. A formula is one of NUMBERS, or a difference as effects.md has it, with its n: `base - BnB, n = 3-6`.
"""

import re
from functools import cache, partial

import pandas as pd

from tests.conftest import REPOSITORY
from transferability.analysis.additive import additive_fit
from transferability.analysis.advice_pages import advice_sections
from transferability.analysis.arms import Records, Source, sources
from transferability.analysis.claim_parts import Study
from transferability.analysis.claims_tables import claims_summary, claims_table, hangs_on_images, premises
from transferability.analysis.distance import distance_table, losses
from transferability.analysis.effects import Estimate, effects_summary, estimate
from transferability.analysis.image_errors import IMAGE_SHARE, SHARED, measured_share
from transferability.analysis.kernels import read_kernels
from transferability.analysis.relative import CONTROL, relative_accuracies
from transferability.results.accuracies import read_accuracies, read_by_class, read_study
from transferability.results.costs import read_costs
from transferability.study.architectures import layer_names
from transferability.study.network import given_name

PAGE, STATISTICS = (REPOSITORY / "docs" / f"{name}.md" for name in ("findings", "statistics"))
FINDINGS = REPOSITORY / "docs" / "findings"
STUDIES = {"paper": "the paper", "pictures": "pictures", "tiny-imagenet": "real images"}
ARCHITECTURES = {"paper": "caffenet", "pictures": "caffenet-mini", "tiny-imagenet": "caffenet-mini"}
LITE0, SQUEEZENET = "timm/tf_efficientnet_lite0", "torchvision/squeezenet1_1"
GIVEN = {  # studies of given networks: their architectures by name
    "ants-bees": {"lite0": LITE0, "squeezenet": SQUEEZENET},
    "cifar10-lite0": {"imagenet": LITE0},
    "cifar10-squeezenet": {"imagenet": SQUEEZENET},
}
FOLDS = {"ants-bees": 5}  # of those whose images are divided into folds


def measure(name: str) -> str:
    return "top1_best10" if name == "paper" else "top1"


@cache
def accuracies(name: str) -> pd.DataFrame:
    folder = FINDINGS / name
    return read_study([folder / "accuracy.csv"], [path for path in [folder / "by-class.csv"] if path.exists()])


@cache
def distances(name: str) -> pd.DataFrame:
    return pd.read_csv(FINDINGS / name / "distances.csv")


@cache
def study(name: str) -> Study:
    kernels = [path for path in [FINDINGS / name / "filters.csv"] if path.exists()]
    tables = accuracies(name), read_kernels(kernels), measure(name), distances(name)
    return Study.from_tables(*tables, architecture=ARCHITECTURES[name])


@cache
def claims(name: str) -> pd.DataFrame:
    return claims_table(study(name), study("paper"))


def markdown(table: pd.DataFrame) -> str:
    return table.to_markdown(index=False, disable_numparse=True)


def points(value: float, low: float, high: float) -> str:
    """A difference in points with its interval; nothing where it is not known."""
    if pd.isna(value):
        return ""
    return f"{100 * value:+.1f}" + ("" if pd.isna(low) else f" ({100 * low:+.1f} to {100 * high:+.1f})")


def claims_side_by_side() -> str:
    """The nine claims, each study's verdict, and the parts that are not confirmed."""
    table = claims_summary(claims("paper"))[["claim", "conclusion"]].astype(str)
    for name, heading in STUDIES.items():
        table[heading] = claims_summary(claims(name))["verdict"]
    return markdown(table)


def parts_side_by_side() -> str:
    """Every part of every claim: its value and interval in each study, and its verdict there."""
    table = claims("paper")[["claim", "part", "rule"]].astype(str)
    for name, heading in STUDIES.items():
        cells = []
        for row in claims(name).itertuples():
            known = "" if pd.isna(row.value) else f"{row.value:.3f}"
            interval = "" if pd.isna(row.low) else f" ({row.low:.3f} to {row.high:.3f})"
            cells.append(f"{known}{interval}: {row.part_verdict}".removeprefix(": "))
        table[heading] = cells
    return markdown(table)


def networks_over_n() -> str:
    """Mean accuracy of base networks, and what treatments have above that of the same half, over the random splits."""
    rows = []
    for name, heading in STUDIES.items():
        base, relative = study(name).base[measure(name)].mean(), study(name).random_splits
        means = relative.groupby(["treatment", "n"])["relative"].mean()
        row = {"study": heading, "base": f"{100 * base:.1f} %"}
        for treatment in ("BnB", "BnB+", "AnB", "AnB+"):
            row |= {f"{treatment}, n = {n}": f"{100 * means[treatment, n]:+.1f}" for n in (1, 4, 7)}
        row["B8B+"] = f"{100 * means[CONTROL].item():+.1f}" if CONTROL in means else "none"
        rows.append(row)
    return markdown(pd.DataFrame(rows).set_index("study").T.reset_index(names=""))


def effects_side_by_side() -> str:
    """Effects, mean over n, with their intervals."""
    columns = {}
    for name, heading in STUDIES.items():
        table = effects_summary(accuracies(name), measure(name)).set_index(["effect", "difference"])
        columns[heading] = pd.Series([points(*row) for row in table[["value", "low", "high"]].to_numpy()], table.index)
    return markdown(pd.DataFrame(columns).loc[list(columns["pictures"].index)].fillna("").reset_index())


def growth_side_by_side() -> str:
    """The growth of transfer loss per 0.1 of semantic distance, at every n."""
    columns = {}
    for name, heading in STUDIES.items():
        table = distance_table(losses(relative_accuracies(accuracies(name), measure(name)), distances(name)))
        numbers = table[["slope", "low", "high"]].to_numpy()
        columns[heading] = pd.Series([points(*row) for row in numbers], table["n"])
    return markdown(pd.DataFrame(columns).reset_index(names="n").astype(str))


def distances_of_halves() -> str:
    """The distance of the halves of each split, by both measures."""
    tables = [distances(name).assign(study=heading) for name, heading in STUDIES.items()]
    table = pd.concat(tables)[["study", "split", "wu_palmer", "shortest_path"]]
    return markdown(table.assign(**{name: table[name].map("{:.3f}".format) for name in ("wu_palmer", "shortest_path")}))


def premises_said() -> str:
    said = [f"{heading}: {line}" for name, heading in STUDIES.items() for line in premises(study(name))]
    return "\n\n".join(said) or "All studies had converged by the rule of claims.md (within one point)."


def images_said() -> str:
    return "\n\n".join(
        f"{heading}: {line}" for name, heading in STUDIES.items() for line in hangs_on_images(study(name))
    )


def additive_side_by_side() -> str:
    """The paper's effects by pairing and by an additive fit."""
    paired = effects_summary(accuracies("paper"), measure("paper")).set_index("effect")
    fitted = additive_fit(accuracies("paper"), measure("paper"))
    rows = [
        (row.effect, row.difference, points(*paired.loc[row.effect, ["value", "low", "high"]]), said(row))
        for row in fitted.itertuples()
    ]
    return markdown(pd.DataFrame(rows, columns=["effect", "difference", "paired", "additive fit"]))


def said(row) -> str:
    """A value of the additive fit in points, with its standard error."""
    return f"{100 * row.value:+.2f} ({100 * row.se:.2f})"


def image_shares_measured() -> str:
    """Which share of the variance of independent errors splits share, where outcomes by class are known."""
    rows = {}
    for name, heading in STUDIES.items():
        if name == "paper":
            continue
        for treatment in ("BnB", "BnB+", "AnB+", CONTROL, "AnB"):
            share, error = measured_share(study(name).random_splits, treatment)
            rows.setdefault(treatment, {})[heading] = f"{share:.2f} ({error:.2f})"
    assumed = study("paper").random_splits.groupby("treatment")[IMAGE_SHARE].first()
    table = pd.DataFrame(rows).T
    table["taken where it is not known"] = [f"{assumed.get(treatment, SHARED):.2f}" for treatment in table.index]
    return markdown(table.reset_index(names="difference from base of"))


@cache
def oracle(name: str) -> pd.Series:
    """The accuracy of ridge regression on the features of each given network at each n."""
    table = pd.read_csv(FINDINGS / name / "oracle.csv").rename(columns={"source": "given"})
    return table.set_index(["given", "n"])["accuracy"]


@cache
def source(name: str) -> Source:
    """The arms of a study of given networks."""
    folder = FINDINGS / name
    table = read_accuracies([folder / "accuracy.csv"])
    layers = {split: layer_names(GIVEN[name][given_name(split)]) for split in table["split"].unique()}
    tables = {"by_class": read_by_class([folder / "by-class.csv"])}
    if (folder / "costs.csv").exists():
        tables["costs"] = read_costs(folder / "costs.csv")
    [found] = sources(Records(table, "top1", layers, folds=FOLDS.get(name), **tables))
    return found


def given(name: str) -> str:
    """The advice of a study of given networks, as advice.md gives it, with ridge regression and losses beside it.

    Ridge regression is beside arms that have new layers alone above the first n.
    """
    table = read_accuracies([FINDINGS / name / "accuracy.csv"])
    sections = advice_sections(table, [source(name)])
    place = next(place for place, section in enumerate(sections) if section.table is not None)
    still_open = [section.text for section in sections if section.title.startswith("What would decide")]
    text = "\n\n".join([*(section.text for section in sections[: place + 1]), *still_open])
    arms = source(name).arms
    losses = table.groupby([table["split"].map(given_name), "network"])["loss"].mean()
    beside = {
        "ridge": [ridge(name, arm) for arm in arms.itertuples()],
        "validation loss": [f"{losses[arm.given, arm.network]:.2f}" for arm in arms.itertuples()],
    }
    return f"{text}\n\n{markdown(sections[place].table.assign(**beside))}"


def ridge(name: str, arm) -> str:
    """The accuracy of ridge regression on the features of the copied layers of an arm, if the layers above are new."""
    above_is_new = arm.treatment in ("AnB", "AnB+") or (arm.treatment == "An~B" and arm.n in (0, arm.layers - 1))
    return percent(oracle(name)[arm.given, arm.n or arm.layers - 1]) if above_is_new else ""


def mean_accuracy(name: str, network: str) -> float:
    """The mean accuracy of networks of a study of given networks, such as lite0/A18B."""
    of, _, network = network.partition("/")
    table = accuracies(name)
    return table[(table["split"].map(given_name) == of) & (table["network"] == network)]["top1"].mean()


def images(name: str) -> int:
    """The number of images of a study in folds."""
    bases = accuracies(name)[lambda table: table["treatment"] == "base"]
    return int(bases["val_images"].sum() / len(GIVEN[name]))


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


TABLES = {
    "claims": claims_side_by_side,
    "parts": parts_side_by_side,
    "networks": networks_over_n,
    "effects": effects_side_by_side,
    "growth": growth_side_by_side,
    "distances": distances_of_halves,
    "premises": premises_said,
    "images": images_said,
    "additive": additive_side_by_side,
    **{name: partial(given, name) for name in GIVEN},
}
OF_STATISTICS = {"image-shares": image_shares_measured}


def terms(difference: str) -> dict[str, float]:
    """What treatments weigh in a difference such as "AnB+ - BnB+"; base weighs nothing, as all are relative to it."""
    first, second = difference.split(" - ")
    return {treatment: weight for treatment, weight in ((first, 1.0), (second, -1.0)) if treatment != "base"}


def numbers_of(text: str) -> tuple[int, ...]:
    """The n of "3-6" or "4, 5"."""
    parts = [part.split("-") for part in text.split(", ")]
    return tuple(n for part in parts for n in range(int(part[0]), int(part[-1]) + 1))


def in_points(found: Estimate) -> str:
    return points(found.value, *found.interval())


def difference(name: str, what: str, n: str = "1-7", split: str = "") -> str:
    """A difference on the random splits, or on one other, with its interval."""
    table = study(name).random_splits if not split else study(name).manmade_natural
    weights = {
        (treatment, (8,) if treatment == CONTROL else numbers_of(n)): weight
        for treatment, weight in terms(what).items()
    }
    found = estimate(table, weights)
    assert found.networks, f"{name} has no networks for {what}, n = {n}"
    return in_points(found)


def part(name: str, claim: str, statement: str) -> pd.Series:
    table = claims(name)
    return table[(table["claim"] == int(claim)) & (table["part"] == statement)].iloc[0]


def growth(name: str, n: str) -> str:
    table = distance_table(losses(relative_accuracies(accuracies(name), measure(name)), distances(name)))
    return points(*table.set_index(table["n"].astype(str)).loc[n, ["slope", "low", "high"]])


def share_of(name: str, claim: str, statement: str) -> str:
    return f"{100 * part(name, claim, statement)['value']:.0f} %"


def fitted(name: str, what: str) -> str:
    table = additive_fit(accuracies(name), measure(name))
    return said(next(row for row in table.itertuples() if row.difference == what))


def before_training(name: str) -> str:
    """The share of first-layer kernels that were an edge or a blob before training."""
    table = study(name).kernels
    return f"{100 * (table['edge_at_start'] | table['blob_at_start']).mean():.0f} %"


def commonest(name: str) -> float:
    """The majority-class baseline."""
    table = pd.read_csv(FINDINGS / name / "by-class.csv", dtype={"wnid": str})
    table = table[table["network"] == "baseB"].drop_duplicates(["split", "wnid"])
    by_class = table.groupby("wnid")["images"].sum()  # over folds, or as often as there are repeats
    return by_class.max() / by_class.sum()


NUMBERS = {
    r"(train|val)_images": lambda name, subset: f"{accuracies(name)[f'{subset}_images'].max():,}",
    r"images": lambda name: f"{images(name):,}",
    r"accuracy of (\w+/[\w~+]+)": lambda name, network: percent(mean_accuracy(name, network)),
    r"ridge of (\w+) at (\d+)": lambda name, network, n: percent(oracle(name)[network, int(n)]),
    r"commonest class": lambda name: percent(commonest(name)),
    r"kernels before training": before_training,
    r"networks": lambda name: str(len(accuracies(name))),
    r"base": lambda name: f"{100 * study(name).base[measure(name)].mean():.0f} %",
    r"growth, n = (\w+)": growth,
    r"share of claim (\d), ([\w -]+)": share_of,
    r"claim (\d), ([\w =-]+)": lambda name, *which: points(*part(name, *which)[["value", "low", "high"]]),
    r"additive ([\w+]+ - [\w+]+)": fitted,
    r"(base - AnB), n = (7) on (manmade-natural)": difference,
    r"([\w+]+ - [\w+]+)(?:, n = ([\d, -]+))?": lambda name, what, n: difference(name, what, n or "1-7"),
}
NUMBER = re.compile(r"<!-- ([\w-]+): ([^>]+?)( \| value)? -->(.*?)<!--/-->", re.DOTALL)


def number(name: str, formula: str, value_only: bool) -> str:
    """What stands in a sentence for a formula."""
    for pattern, compute in NUMBERS.items():
        if match := re.fullmatch(pattern, formula):
            text = compute(name, *match.groups())
            return text.split(" (")[0] if value_only else text
    raise AssertionError(f"docs/findings.md: {formula!r} is no formula of tests/findings.py")


def written_again(page: str, tables: dict) -> str:
    """A page with its tables and numbers as they follow from the published CSVs."""
    page = re.sub(
        r"(<!-- table ([\w-]+) -->\n).*?(<!-- end -->)",
        lambda match: f"{match[1]}{tables[match[2]]()}\n{match[3]}",
        page,
        flags=re.DOTALL,
    )
    return NUMBER.sub(
        lambda match: (
            f"<!-- {match[1]}: {match[2]}{match[3] or ''} -->{number(match[1], match[2], bool(match[3]))}<!--/-->"
        ),
        page,
    )
