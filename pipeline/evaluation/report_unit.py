"""The sections of a report on a single unit: how the perceptron's line moved, how well a linear unit fits."""

from html import escape
from pathlib import Path

from pipeline.data.dataset import Dataset
from pipeline.evaluation import lines, page
from pipeline.evaluation.drawing import draw
from pipeline.evaluation.regression import Numbers, best_unit
from pipeline.evaluation.separable import verdict
from pipeline.evaluation.unit import line
from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.training.examples import examples
from pipeline.training.path import walk
from pipeline.training.run import Run

MOST_STEPS = 100_000  # that are taken once more for the picture


def moving(run: Run, dataset: Dataset, folder: Path) -> str:
    """How the perceptron's line moved between the points of two columns, and how that ended."""
    recipe, steps = run.job.recipe, len(run.history) * len(dataset.train)
    network = Network(parse(recipe.architecture), dataset.shape)
    drawn = f"<p>{escape(page.printed(verdict(dataset, run.history)))}.</p>"
    if dataset.shape == (2,) and steps <= MOST_STEPS:
        path: list[tuple[Numbers, float]] = []
        for theta in _changes(walk(recipe, dataset.shape, examples(dataset, recipe))):
            network.use(theta)
            path += [unit] if (unit := line(network)) else []
        X, labels = dataset.train.X, dataset.train.labels
        columns = dataset.columns or ("x1", "x2")
        drawn += draw(
            folder,
            "line",
            lambda theme: lines.moving_line(path, X, labels, dataset.labels, columns, theme),
            "the line between the points of both labels, after each step that moved it",
        )
    about = (
        "Where w·x + b = 0 after each step that moved it: the later the stronger, and the last one in full. The answer"
        f" on the washed side is “{dataset.labels[1]}”."
    )
    return page.section("The line", about, drawn)


def _changes(thetas: Numbers) -> Numbers:
    """Those of thetas [S,P] that differ from the one before; at most as many as are drawn, the last ones."""
    moved = (thetas[1:] != thetas[:-1]).any(axis=1)
    found: Numbers = thetas[1:][moved][-lines.LINES :]
    return found


def fitted(run: Run, network: Network, dataset: Dataset, Y: Numbers, folder: Path) -> str:
    """Answers Y [N,1] beside the numbers that were to be met; for one column, the line itself."""
    target, unit = dataset.labels[0], line(network)
    drawn = draw(
        folder,
        "answers",
        lambda theme: lines.answers(Y[:, 0], dataset.test.labels, target, theme),
        "answers over the numbers that were to be met",
    )
    if unit and dataset.shape == (1,):
        X, t, best = dataset.train.X, dataset.train.labels, best_unit(dataset, run.job.recipe)
        names = (*dataset.columns, target)
        drawn += draw(
            folder,
            "line",
            lambda theme: lines.fitted_line(X, t, unit, best, names, theme),
            "the unit's line and that of least squares among the points",
        )
    return page.section("Answers", "The test set: on the dashed line an answer is what it was to be.", drawn)


def weights(run: Run, network: Network, dataset: Dataset) -> str:
    """A linear unit's weights, for the columns as they are, beside those of least squares."""
    if (unit := line(network)) is None:
        return ""
    (w, b), (best_w, best_b) = unit, best_unit(dataset, run.job.recipe)
    rows = [*zip(dataset.columns, w, best_w, strict=True), ("b", b, best_b)]
    cells = "".join(
        f'<tr><th>{escape(page.printed(name))}</th><td class="n">{mine:.6g}</td><td class="n">{best:.6g}</td></tr>'
        for name, mine, best in rows
    )
    head = '<tr><th>column</th><th class="n">learned</th><th class="n">least squares</th></tr>'
    table = f'<div class="scroll"><table><thead>{head}</thead><tbody>{cells}</tbody></table></div>'
    return page.section("Weights", "What was learned step by step, and what the closed form says at once.", table)
