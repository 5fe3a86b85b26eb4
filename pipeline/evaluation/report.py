"""The report of a run: a page that opens from disk, is published with the model, and can be printed."""

from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import files
from pipeline.data.dataset import Dataset
from pipeline.evaluation import gallery, page, plots
from pipeline.evaluation.calibration import reliability_diagram
from pipeline.evaluation.drawing import draw
from pipeline.evaluation.feature_maps import feature_maps, outputs
from pipeline.evaluation.metrics import Metrics, Probabilities, reliability, worst
from pipeline.evaluation.regression import RegressionMetrics
from pipeline.evaluation.report_unit import fitted, moving, weights
from pipeline.evaluation.strip import cards, strip
from pipeline.network.network import Network
from pipeline.training.run import Run, answered

MISTAKES = 24
ADDRESS = "http://127.0.0.1:8000"


def write_report(
    run: Run, network: Network, dataset: Dataset, Y: Probabilities, metrics: Metrics | RegressionMetrics
) -> Path:
    """Writes index.html and its pictures into the run's report/, and returns the path of the page.

    Y: the probabilities [N,K], or the numbers [N,1], that `network` gives the dataset's test set; metrics: what they
    measure.
    """
    folder = run.folder / "report"
    folder.mkdir(exist_ok=True)
    if isinstance(metrics, RegressionMetrics):
        found = [fitted(run, network, dataset, Y, folder), weights(run, network, dataset)]
    else:
        hard = run.job.recipe.loss == "perceptron"  # its answers are 0 or 1, and never more or less sure
        found = [
            moving(run, dataset, folder) if hard else "",
            _confusion(dataset, metrics, folder),
            "" if hard else _reliability(dataset, Y, folder),
            _mistakes(dataset, Y, folder),
            _first_layer(network, dataset, folder),
            "" if hard else _feature_maps(network, dataset, Y, folder),
        ]
    sections = [
        _head(run, network, metrics),
        page.section("Architecture", "What comes out of each layer, one after the other.", strip(cards(network))),
        _curves(run, folder),
        *found,
        page.section("Training", "All that decided the result.", page.facts(_facts(run))),
        page.section("Calling it", "With the service running, for one answer or for several.", _calls(run, dataset)),
    ]
    index = folder / "index.html"
    files.write(index, page.page(f"{run.job.name}: report", sections).encode())
    return index


def first_layer(network: Network, example: tuple[int, ...]) -> NDArray[np.floating[Any]] | None:
    """The weights of the first layer that learns, as pictures [F,C,kh,kw]; None if they are not like pictures.

    example: the shape of one example of the dataset, (C,H,W) or (D,).
    """
    at = next(at for at, layer in enumerate(network.layers) if "W" in layer.parameters)
    W = network.layers[at].parameters["W"]
    if W.ndim == 4:
        return W.transpose(3, 2, 0, 1)  # [kh,kw,C,F], see Convolution
    if len(example) != 3 or not all(layer.kind in ("input", "flatten", "dropout") for layer in network.layers[:at]):
        return None
    channels, height, width = example
    if len(network.layers[0].shape) == 3:  # FLATTEN lays the channels last, see Flatten
        return W.T.reshape(-1, height, width, channels).transpose(0, 3, 1, 2)
    return W.T.reshape(-1, channels, height, width)


def _head(run: Run, network: Network, metrics: Metrics | RegressionMetrics) -> str:
    job, seconds = run.job, sum(line["seconds"] for line in run.history)
    numbers = [
        *_figures(metrics, hard=job.recipe.loss == "perceptron"),
        (f"{network.theta.size:,}", "parameters"),
        (_duration(seconds), f"of training, epochs: {len(run.history)}"),
    ]
    data = page.printed(f"{job.dataset['name']}, {answered(job)}")
    return f'<h1>{escape(job.name)}</h1>\n<p class="faint">{escape(data)}</p>\n{page.figures(numbers)}'


def _figures(metrics: Metrics | RegressionMetrics, hard: bool) -> list[tuple[str, str]]:
    """The few that matter. hard: the answers are 0 or 1, of which no loss and no calibration can be told."""
    if isinstance(metrics, RegressionMetrics):
        return [
            (f"{metrics.r2:.4f}", f"R² on {metrics.samples:,} in the test set"),
            (f"{metrics.least_squares_r2:.4f}", "R² of least squares, in closed form"),
            (f"{metrics.rmse:.4g}", "error of an answer, root mean square"),
            (f"{metrics.mae:.4g}", "error of an answer, mean"),
        ]
    found = [
        (f"{metrics.accuracy:.2%}", f"right of {metrics.samples:,} in the test set"),
        (f"{metrics.mistakes:,}", "mistakes"),
    ]
    soft = [
        (f"{metrics.loss:.4f}", "loss (cross-entropy)"),
        (f"{metrics.expected_calibration_error:.2%}", "calibration error"),
    ]
    return found if hard else found + soft


def _curves(run: Run, folder: Path) -> str:
    if not run.history:
        return ""
    drawn = draw(folder, "curves", lambda theme: plots.learning_curves(run.history, theme), "loss and accuracy")
    about = "After each epoch; the training line is the mean over the epoch, with dropout, as it learned."
    return page.section("Learning curves", about, drawn)


def _confusion(dataset: Dataset, metrics: Metrics, folder: Path) -> str:
    drawn = draw(
        folder,
        "confusion",
        lambda theme: plots.confusion_matrix(metrics.confusion, dataset.labels, theme),
        "for each true label, how often each label was answered",
    )
    about = "What was answered on the test set for each true label. Found is the part that was answered right."
    return page.section("Answers", about, drawn + page.label_table(dataset.labels, metrics.per_label))


def _reliability(dataset: Dataset, Y: Probabilities, folder: Path) -> str:
    bins = reliability(Y, dataset.test.labels)
    alt = "accuracy against confidence, and how many answers there are of each confidence"
    drawn = draw(folder, "reliability", lambda theme: reliability_diagram(bins, theme), alt)
    about = (
        "The test set's answers by how sure the network was of them, and which part of each bin is right. On the dashed"
        " line it is right as often as it is sure; below the line it is too sure. A bin of few answers says little."
    )
    return page.section("Reliability", about, drawn)


def _mistakes(dataset: Dataset, Y: Probabilities, folder: Path) -> str:
    at = worst(Y, dataset.test.labels, MISTAKES)
    if dataset.test.X.ndim != 4 or not len(at):
        return ""
    answers, truths = Y[at].argmax(axis=1), dataset.test.labels[at]
    name = dataset.labels.__getitem__
    drawn = draw(
        folder,
        "mistakes",
        lambda theme: gallery.mistakes(
            dataset.test.X[at], [*map(name, truths)], [*map(name, answers)], Y[at].max(axis=1).tolist(), theme
        ),
        "pictures that were answered wrongly",
    )
    about = "The wrong answers that the network was surest of: what it said and how surely, then what it is."
    return page.section("Worst mistakes", about, drawn)


def _first_layer(network: Network, dataset: Dataset, folder: Path) -> str:
    W = first_layer(network, dataset.shape)
    if W is None:
        return ""
    drawn = draw(folder, "filters", lambda theme: gallery.filters(W, theme), "weights of the first layer")
    shown = min(len(W), gallery.MOST_FILTERS)
    many = f"The {shown} strongest of its {len(W)} units" if shown < len(W) else f"Its {shown} units"
    what = "the colours each looks for" if W.shape[1] == 3 else "what each looks for in blue, what it shuns in orange"
    return page.section("First layer", f"{many}: {what}.", drawn)


def _feature_maps(network: Network, dataset: Dataset, Y: Probabilities, folder: Path) -> str:
    right = np.flatnonzero(Y.argmax(axis=1) == dataset.test.labels)
    if not len(right):
        return ""
    at = right[0]
    found = outputs(network, dataset.test.X[at])
    drawn = draw(folder, "feature-maps", lambda theme: feature_maps(found, theme), "the output of each layer")
    label = page.printed(dataset.labels[dataset.test.labels[at]])
    about = (
        f"What each layer makes of the first example of the test set that is answered right: {label}, {Y[at].max():.1%}"
        " sure. Blue is above 0 and orange below, the stronger, the larger beside the largest of the layer."
    )
    return page.section("Feature maps", about, drawn)


def _facts(run: Run) -> list[tuple[str, object]]:
    job, recipe, history = run.job, run.job.recipe, run.history
    data = job.dataset
    speed = [line["images_per_second"] for line in history]
    return [
        (
            "dataset",
            f"{data['name']}: {data['train']:,} to train, {data['validation']:,} to validate, {data['test']:,} to test",
        ),
        ("SHA-256 of the data", data["sha256"]),
        ("architecture", recipe.architecture),
        ("optimizer", f"{recipe.optimizer}, learning rate {recipe.learning_rate:g}, {recipe.schedule} schedule"),
        ("loss", f"{recipe.loss}, label smoothing {recipe.label_smoothing:g}, weight decay {recipe.weight_decay:g}"),
        ("average of the weights", f"beta {recipe.average:g}" if recipe.average else "none"),
        ("batch size", recipe.batch_size),
        ("augmentation", recipe.augment),
        ("epochs", f"{len(history)} of {recipe.epochs}"),
        ("seed", recipe.seed),
        ("speed", f"{np.median(speed):,.0f} examples a second" if speed else "unknown"),
        ("started", job.started),
        ("versions", ", ".join(f"{name} {version}" for name, version in sorted(job.versions.items()))),
    ]


def _calls(run: Run, dataset: Dataset) -> str:
    url = f"{ADDRESS}/predict/{run.job.name}"
    if dataset.pictures:
        lines = [f"curl -F image=@picture.png {url}", f"curl -F image=@one.png -F image=@two.jpg '{url}?top_k=3'"]
    else:
        example = ", ".join(f"{value:.4g}" for value in dataset.test.X[0][:8])
        more = ", …" if dataset.shape[0] > 8 else ""
        lines = [f"curl {url} -H 'Content-Type: application/json' \\", f"     -d '{{\"inputs\": [[{example}{more}]]}}'"]
    return f"<pre>{escape(chr(10).join(lines))}</pre>"


def _duration(seconds: float) -> str:
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes} min {left} s" if minutes else f"{seconds:.1f} s"
