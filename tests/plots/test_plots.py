"""Figures: everything is labelled, nothing is cut off or written over, equal input gives equal bytes."""
import io
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

from tinynet import InputError, Tensor, no_grad, ops, plots

LONG = "american_staffordshire_bull_terrier_from_the_neighbours_across_the_street_" * 3
STRANGE = ["$\\frac$", "a_b", "%d \\", "Ünïcödé", "Тигр", "虎猫", "🐈", "tab\tnew\nline", "<b>", "\udcff"]
HISTORY = {"train_loss": [1.0, 0.6, 0.4, 0.3, 0.2], "val_loss": [1.1, 0.7, 0.5, 0.6, 0.7],
           "train_accuracy": [0.5, 0.7, 0.9, 1.0, 1.0], "val_accuracy": [0.4, 0.6, 0.8, 0.8, 0.7],
           "best_epoch": 2}


TRIALS = ({"lr": [2e-4, 2e-3, 0.02, 0.2, 2.0, 0.02, 0.02], "weight_decay": [0.1] * 5 + [1.0, 10.0],
           "hidden": [None] * 5 + [8, 512]}, [0.3, 0.6, 0.8, 0.7, np.nan, 0.85, 0.5], [0.05] * 7, 5, ["lr"] * 5 + ["hidden"] * 2)


def photos(n, seed=0):
    """Pictures of several shapes: wide, tall, tiny, larger than drawn, one grey."""
    rng = np.random.default_rng(seed)
    shapes = [(30, 40, 3), (50, 20, 3), (3, 5, 3), (300, 410, 3), (31, 37)]
    return [rng.integers(0, 256, shapes[i % len(shapes)], np.uint8) for i in range(n)]


def wrong(n, name="maine_coon"):
    """Arguments of `plots.mistakes` for n pictures."""
    return photos(n), [name] * n, [LONG] * n, np.linspace(0, 1, n), [f"{name}_{i}.jpg" for i in range(n)]


def written(figure):
    """Lay the figure out and return (text, box in pixels, angle) of everything that is written on it."""
    FigureCanvasAgg(figure).draw()
    hidden = {id(label) for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)
              for tick in axis.get_major_ticks() for label in (tick.label1, tick.label2)
              if not (axes.axison and within(tick.get_loc(), axis.get_view_interval()))}
    return [(text.get_text(), text.get_window_extent(), text.get_rotation()) for text in figure.findobj(Text)
            if text.get_visible() and text.get_text().strip() and id(text) not in hidden]


def within(value, limits):
    return min(limits) - 1e-9 <= value <= max(limits) + 1e-9


def words(figure):
    """The lines that are written on the figure."""
    return [line for text, _, _ in written(figure) for line in text.split("\n")]


x = Tensor(np.ones((2, 3), np.float32))
W = Tensor(np.full((3, 5), 0.5, np.float32), requires_grad=True)
b = Tensor(np.zeros(5, np.float32), requires_grad=True)


def expression():
    y = ops.relu(x @ W + b)
    return (y * y).mean() + 0.1 * (W ** 2).sum()


STAGES, RISING = ["conv1", "fire2", "fire3", "fire4"], np.array([[.3, .4, .5], [.5, .7, .6], [.8, .8, .7], [.6, .6, .6]])


BINS = SimpleNamespace(sure=np.array([.45, .66, .97]), right=np.array([0, .5, 1]), count=np.array([1, 12, 345]))


def bowl(u, v):
    return u ** 2 + 9 * v ** 2


FIGURES = {
    "curves": lambda: plots.curves(HISTORY),
    "curves of one epoch": lambda: plots.curves({name: values[:1] for name, values in HISTORY.items()
                                                 if name != "best_epoch"} | {"best_epoch": 0}),
    "curves without validation": lambda: plots.curves({"train_loss": [1, 2], "train_accuracy": [0, 1],
                                                       "val_loss": [], "val_accuracy": []}),
    "curves of a diverged run": lambda: plots.curves({"train_loss": [1, 1e30, np.nan]}),
    "curves with a rate": lambda: plots.curves(HISTORY | {"lr": [0.001, 0.02, 0.02, 0.01, 0.0004]}),
    "curves of 300 epochs": lambda: plots.curves({"train_loss": np.arange(300)}),
    "confusion of 2": lambda: plots.confusion([[0, 0], [3, 4]], ["tigger", LONG]),
    "confusion of strange names": lambda: plots.confusion(np.eye(len(STRANGE), dtype=int) * 12345, STRANGE),
    "confusion of 20": lambda: plots.confusion(np.arange(400).reshape(20, 20),
                                               [LONG[:i * 3 + 1] for i in range(20)]),
    "confusion of 40": lambda: plots.confusion(np.eye(40, dtype=int), [f"class {i}" for i in range(40)]),
    "a search": lambda: plots.search(*TRIALS[:4], TRIALS[4]),
    "a search at random": lambda: plots.search(*TRIALS[:4]),
    "a search of one trial": lambda: plots.search({"lr": [0.02], "hidden": [None]}, [0.5], [0.0], 0),
    "no mistakes": lambda: plots.mistakes([], [], [], [], []),
    "1 mistake": lambda: plots.mistakes(*wrong(1, "😀虎")),
    "100 mistakes": lambda: plots.mistakes(*wrong(100, LONG)),
    "1 picture": lambda: plots.pictures(photos(1), [LONG]),
    "11 pictures": lambda: plots.pictures(photos(11), (STRANGE + STRANGE)[:11]),
    "neighbours": lambda: plots.neighbours(photos(1)[0], photos(4), [0, .123456, 8, 1e9], [LONG] * 4),
    "filters": lambda: plots.filters(np.random.default_rng(0).normal(size=(11, 3, 7, 5))),
    "1 filter of zeros": lambda: plots.filters(np.zeros((1, 3, 1, 1))),
    "activations": lambda: plots.activations(np.random.default_rng(0).normal(size=(17, 7, 5)).astype("f4")),
    "1 dead map": lambda: plots.activations(np.zeros((1, 2, 3)), ["the only one"]),
    "graph": lambda: plots.graph(expression(), x=x, W=W, b=b),
    "graph of one operation": lambda: plots.graph(W * W),
    "layer curve": lambda: plots.layer_curve(STAGES, {"5 photos a class": RISING, "60 photos a class": RISING + 0.1}, {"pixels": [.3, .4]}),
    "layer curve of one stage": lambda: plots.layer_curve([LONG[:40]], {"svm": [[1, 1]]}),
    "layer curve of 30 stages": lambda: plots.layer_curve([f"block{i}" for i in range(30)], {"svm": np.full((30, 1), 0.5)}),
    "learning curves": lambda: plots.learning_curves([5, 20, 60], {"head": RISING[:3], "pixels": RISING[1:]}),
    "learning curves of one number": lambda: plots.learning_curves([5], {LONG[:40]: [[0]]}),
    "reliability": lambda: plots.reliability({"as trained": BINS, "with temperature": BINS}),
    "reliability of one bin": lambda: plots.reliability({LONG[:40]: SimpleNamespace(sure=np.array([.9]), right=np.array([0.]), count=np.array([7]))}),
    "paths": lambda: plots.contour_paths(bowl, {f"optimiser {i}": np.full((9, 2), i) for i in range(7)},
                                         (-1, 5), (0, 6)),
    "a path of one point": lambda: plots.contour_paths(bowl, {"SGD": [(1, 1)]}, (0, 100), (-1, 1)),
}


@pytest.fixture(params=FIGURES, scope="module")
def name(request):
    """Every kind of figure, with ordinary and with awkward contents."""
    return request.param


@pytest.fixture(scope="module")
def figure(name):
    """That figure, which tests only look at."""
    return FIGURES[name]()


@pytest.fixture(scope="module")
def texts(figure):
    """What is written on it, and where."""
    return written(figure)


def test_nothing_written_is_cut_off(figure, texts):
    page = figure.bbox
    assert texts
    assert not [text for text, box, _ in texts
                if box.x0 < -1 or box.y0 < -1 or box.x1 > page.x1 + 1 or box.y1 > page.y1 + 1]


def test_nothing_is_written_over_something_else(texts):
    level = [(text, box) for text, box, angle in texts if angle % 90 == 0]
    assert not [(one, two) for (one, a), (two, b) in itertools.combinations(level, 2)
                if min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1]


def test_the_same_input_gives_the_same_bytes_and_no_version_in_them(figure, name):
    data = plots.png(figure)
    assert data == plots.png(FIGURES[name]())
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG" and min(image.size) > 60 and "Software" not in image.info
        assert len({*image.convert("L").resize((50, 50)).tobytes()}) > 1        # something is drawn


def test_figures_can_be_drawn_on_threads():
    start = threading.Barrier(4)

    def work(make):
        start.wait()
        return plots.png(make())

    makers = [FIGURES[name] for name in ("curves", "confusion of 2", "11 pictures", "graph")]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, makers)) == [plots.png(make()) for make in makers]


def test_a_notebook_shows_a_figure_without_pyplot():
    assert plots.pictures(photos(1), ["cat"])._repr_png_().startswith(b"\x89PNG")


def test_curves_have_labels_and_mark_the_best_epoch():
    figure = plots.curves(HISTORY)
    loss, accuracy = figure.axes
    assert [axes.get_xlabel() for axes in figure.axes] == ["epoch", "epoch"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]
    train, val, best = loss.get_lines()
    np.testing.assert_array_equal(train.get_xydata(), list(zip([1, 2, 3, 4, 5], HISTORY["train_loss"])))
    np.testing.assert_array_equal(val.get_ydata(), HISTORY["val_loss"])
    assert list(best.get_xdata()) == [3, 3]
    np.testing.assert_array_equal(accuracy.get_lines()[1].get_ydata(), HISTORY["val_accuracy"])
    assert {"training", "validation", "best epoch: 3"} <= set(words(figure))
    assert train.get_linestyle() != val.get_linestyle() and train.get_marker() != val.get_marker()


def test_curves_show_the_learning_rate_if_it_is_given():
    *_, rate = FIGURES["curves with a rate"]().axes
    assert rate.get_ylabel() == "learning rate" and rate.get_ylim()[0] == 0
    np.testing.assert_array_equal(rate.get_lines()[0].get_xydata(), list(zip([1, 2, 3, 4, 5], [0.001, 0.02, 0.02, 0.01, 0.0004])))


def test_curves_without_validation_have_one_line():
    loss, _ = FIGURES["curves without validation"]().axes
    assert len(loss.get_lines()) == 1


def test_curves_of_nothing_are_empty():
    assert not plots.curves({"train_loss": [], "train_accuracy": [], "best_epoch": 0}).axes[0].get_lines()


def test_curves_refuse_lists_of_different_lengths():
    with pytest.raises(InputError, match="'train_loss': 2, 'val_loss': 1"):
        plots.curves({"train_loss": [1, 2], "val_loss": [1]})


def test_a_search_shows_every_trial_with_its_error_and_marks_the_best():
    figure = FIGURES["a search"]()
    lr, decay, hidden = figure.axes
    assert [axes.get_xlabel() for axes in figure.axes] == ["lr", "weight decay", "hidden"]
    own, best = [bars for bars in lr.containers if bars.get_label() == "this one was varied"], lr.containers[-1]
    np.testing.assert_allclose(np.transpose(own[0].lines[0].get_data()), [(2e-4, 0.3), (2e-3, 0.6), (0.02, 0.8), (0.2, 0.7)])
    (low, high), = {tuple(segment[:, 1]) for segment in best.lines[2][0].get_segments()}
    assert (low, high) == pytest.approx((0.8, 0.9)) and best.lines[0].get_xydata().tolist() == [[0.02, 0.85]]
    cross, = [line for line in lr.get_lines() if line.get_marker() == "x"]
    assert cross.get_xdata() == [2.0]
    assert not [bars for bars in decay.containers if bars.get_label() == "this one was varied"]
    assert {"none", "16", "this one was varied", "another was varied", "the best"} <= set(words(figure))
    assert {bars.get_label() for bars in FIGURES["a search at random"]().axes[0].containers} \
        == {"this one was varied", "the best"}


def test_a_search_refuses_lists_of_different_lengths():
    with pytest.raises(InputError, match="'lr': 1, 'accuracies': 2"):
        plots.search({"lr": [1]}, [0.5, 0.6], [0, 0], 0)


def test_confusion_has_counts_and_row_percentages():
    figure = plots.confusion(np.array([[3, 1], [0, 5]]), ["tigger", "misty"])
    fields = {(text.get_position()): text.get_text() for text in figure.axes[0].texts}
    assert fields == {(0, 0): "3\n75%", (1, 0): "1\n25%", (0, 1): "0", (1, 1): "5\n100%"}
    assert {"tigger", "misty", "tigger (4)", "misty (5)", "8 of 9 right (88.9%)", "the network's answer",
            "true class (number of pictures)"} <= set(words(figure))


def test_confusion_is_darker_for_a_greater_share():
    image, = plots.confusion([[3, 1], [0, 500]], ["a", "b"]).axes[0].images
    np.testing.assert_allclose(image.get_array(), [[0.75, 0.25], [0, 1]])
    grey = image.cmap(np.linspace(0, 1, 50))[:, :3] @ [0.299, 0.587, 0.114]
    assert (np.diff(grey) < 0).all()


@pytest.mark.parametrize("matrix", [[[1, 2]], [[1]], [1, 2]])
def test_confusion_refuses_another_shape(matrix):
    with pytest.raises(InputError, match="2 classes"):
        plots.confusion(matrix, ["tigger", "misty"])


def test_mistakes_show_24_and_say_how_many_more():
    figure = plots.mistakes(*wrong(100))
    assert len(figure.axes) == 24
    text = "\n".join(words(figure))
    assert "100 wrong (76 more are not shown)" in text
    assert "maine_coon_23.jpg" in text and "maine_coon_24.jpg" not in text


def test_mistakes_read_no_picture_that_is_not_shown():
    images, *rest = wrong(30)
    waiting = iter(images)
    plots.mistakes(waiting, *rest)
    assert len(list(waiting)) == 6


def test_mistakes_name_the_truth_and_the_answer():
    text = words(plots.mistakes(photos(1), ["tigger"], ["misty"], [0.876], ["cat.jpg"], total=3))
    assert text == ["3 wrong (2 more are not shown). Bold: true; arrow: the network's answer",
                    "tigger", "→ misty 88%", "cat.jpg"]


@pytest.mark.parametrize("name", ["100 mistakes", "activations"])
def test_a_heading_stands_above_the_pictures(name):
    figure = FIGURES[name]()
    heading = figure.texts[0].get_window_extent()
    assert all(heading.y0 > axes.get_window_extent().y1 for axes in figure.axes)


def test_no_mistakes_please_a_cat():
    assert words(plots.mistakes([], [], [], [], [])) == ["No mistakes: every picture was given its own name."]


def test_pictures_show_the_pictures():
    image = np.zeros((2, 3, 3), np.uint8)
    image[0] = 255, 128, 0
    figure = plots.pictures([image, image[..., 1]], ["colour", "grey"])
    colour, grey = (axes.images[0] for axes in figure.axes)
    np.testing.assert_array_equal(colour.get_array(), image)
    np.testing.assert_array_equal(grey.get_array(), image[..., 1])
    assert grey.get_clim() == (0, 255)
    assert words(figure) == ["colour", "grey"]


@pytest.mark.parametrize("images, titles, message", [
    ([], [], "0 pictures"), (photos(2), ["one"], "2 pictures and 1 titles"),
    ([np.zeros((4, 4, 3))], ["floats"], "float64 .* give uint8"),
    ([np.zeros((4, 4, 4), np.uint8)], ["alpha"], "4, 4, 4"),
    ([np.zeros(4, np.uint8)], ["flat"], "give uint8"),
])
def test_pictures_refuse_what_is_none(images, titles, message):
    with pytest.raises(InputError, match=message):
        plots.pictures(images, titles)


def test_neighbours_frame_the_query_alone():
    figure = plots.neighbours(photos(1)[0], photos(2), [0.5, 12.345], ["tigger", "misty"])
    assert [axes.axison for axes in figure.axes] == [True, False, False]
    assert {"tigger", "distance 0.5", "misty", "distance 12.3"} <= set(words(figure))


def test_filters_have_each_their_own_scale_and_grey_for_0():
    weight = np.zeros((3, 3, 1, 2))
    weight[0, 0, 0, 0] = 0.01           # red, weak
    weight[1, 2, 0, 1] = -7.0           # minus blue, strong
    sheet = plots.filters(weight).axes[0].images[0].get_array()
    height, width = sheet.shape[0] // 2, sheet.shape[1] // 2
    middle = height // 2
    assert sheet[middle, width // 4].tolist() == [1, 0.5, 0.5]                  # filter 0, left
    assert sheet[middle, 3 * width // 4].tolist() == [0.5, 0.5, 0.5]            # filter 0, right
    assert sheet[middle, width + 3 * width // 4].tolist() == [0.5, 0.5, 0]      # filter 1, right
    assert sheet[height + middle, width // 4].tolist() == [0.5, 0.5, 0.5]       # filter 2: all 0
    assert sheet[height + middle, width + width // 4].tolist() == [1, 1, 1]     # no filter 3


def test_filters_in_bgr_order_are_turned_round():
    weight = np.random.default_rng(0).normal(size=(4, 3, 3, 2))
    first, second = (figure.axes[0].images[0].get_array() for figure in
                     (plots.filters(weight, "BGR"), plots.filters(weight[:, ::-1], "RGB")))
    np.testing.assert_array_equal(first, second)


def test_filters_are_numbered():
    axes, = plots.filters(np.ones((11, 3, 2, 2))).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0", "4", "8"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["+0", "+1", "+2", "+3"]
    assert axes.get_ylabel() == "filter"


@pytest.mark.parametrize("shape, channels", [
    ((5, 1, 3, 3), "RGB"), ((3, 3, 3), "RGB"), ((5, 3, 2, 2), "GRB"),
])
def test_filters_refuse_what_is_no_picture(shape, channels):
    with pytest.raises(InputError, match="expected .F, 3, R, S."):
        plots.filters(np.zeros(shape), channels)


def test_activations_show_the_most_active_maps_first():
    maps = np.zeros((5, 3, 2))
    maps[3], maps[1, 0, 0] = 2, 6
    figure = plots.activations(maps, titles=[f"m{c}" for c in range(5)], shown=2)
    assert words(figure) == ["The 2 most active of 5 maps, dark to light", "m3", "2 to 2", "m1", "0 to 6"]
    brightness = figure.axes[1].images[0].get_array().sum(axis=2, dtype=int)
    assert brightness.argmax() == 0 and len(np.unique(brightness)) == 2


def test_activations_refuse_a_batch():
    with pytest.raises(InputError, match="those of one picture"):
        plots.activations(np.zeros((1, 5, 3, 2)))


def test_graph_has_every_operation_and_input():
    text = words(plots.graph(expression(), x=x, W=W, b=b))
    counts = {"MatMul": 1, "Add": 2, "ReLU": 1, "Multiply": 2, "Mean": 1, "Power": 1, "Sum": 1, "x": 1,
              "W": 1, "b": 1, "constant": 2, "0.1": 1, "(2, 5)": 4, "(2, 3)": 1, "(3, 5)": 2}
    for word, times in counts.items():
        assert text.count(word) == times, word


def test_graph_draws_one_arrow_per_use():
    y = W * W
    assert len(plots.graph(y).axes[0].patches) == 2
    assert len(plots.graph(y + b).axes[0].patches) == 4


@pytest.mark.parametrize("make", [expression, lambda: (ops.relu(x @ W + b) + b).exp().sum() + b.sum()])
def test_graph_arrows_point_down_and_past_the_boxes(make):
    figure = plots.graph(make())
    FigureCanvasAgg(figure).draw()
    axes, = figure.axes
    boxes = [text.get_bbox_patch().get_window_extent() for text in axes.texts]
    assert not any(one.overlaps(two) for one, two in itertools.combinations(boxes, 2))
    for arrow in axes.patches:
        path = axes.transData.transform_path(arrow._path_original)
        points, = path.to_polygons(closed_only=False)
        assert points[0][1] > points[-1][1]
        assert not any(box.shrunk(0.8, 0.8).contains(*point) for box in boxes for point in points[1:-1])


def test_graph_calls_a_result_by_its_name():
    y = (W * 2).sum()
    assert "y = Sum" in words(plots.graph(y, y=y)) and "leaf" in words(plots.graph(y))


def deep(n):
    y = W
    for _ in range(n):
        y = y + 1
    return y


@pytest.mark.parametrize("make, message", [
    (lambda: W, "nothing was recorded"), (lambda: deep(31), "63 boxes"), (lambda: deep(3000), "3000 boxes"),
])
def test_graph_refuses(make, message):
    with pytest.raises(InputError, match=message):
        plots.graph(make())


def test_graph_refuses_what_has_no_tape():
    with no_grad():
        y = W * 2
    with pytest.raises(InputError, match="nothing was recorded"):
        plots.graph(y)
    y = (W * 2).sum()
    y.backward()
    with pytest.raises(InputError, match="before backward"):
        plots.graph(y)


def test_paths_are_drawn_over_the_contours_of_the_function():
    path = np.array([[3.0, 1.0], [1.0, -0.5], [0.2, 0.1]])
    axes, = plots.contour_paths(bowl, {"SGD": path, "Adam": path * 2}, (-4, 4), (-2, 2)).axes
    first, star, circle, second, *_ = axes.get_lines()
    np.testing.assert_array_equal(first.get_xydata(), path)
    np.testing.assert_array_equal(star.get_xydata(), path[-1:])
    np.testing.assert_array_equal(circle.get_xydata(), path[:1])
    assert first.get_linestyle() != second.get_linestyle() and first.get_marker() != second.get_marker()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "y")
    assert (axes.get_xlim(), axes.get_ylim()) == ((-4, 4), (-2, 2))
    filled, lines = axes.collections
    corners = np.concatenate([area.vertices for area in filled.get_paths()])
    np.testing.assert_allclose([corners.min(axis=0), corners.max(axis=0)], [(-4, -2), (4, 2)])
    for level, outline in zip(lines.levels, lines.get_paths()):
        if len(outline.vertices):
            np.testing.assert_allclose(bowl(*outline.vertices.T), level, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("paths", [
    {"a": np.ones((3, 3))}, {"a": [1, 2]}, {str(i): [(0, 0)] for i in range(8)},
])
def test_paths_refuse_other_shapes_and_too_many(paths):
    with pytest.raises(InputError, match="at most 7"):
        plots.contour_paths(bowl, paths, (0, 1), (0, 1))


def test_the_lines_differ_in_greyscale_too():
    _, dashes, markers = zip(*plots.LINES)
    assert len(set(dashes)) == len(set(markers)) == len(plots.LINES)


def test_confusion_names_the_truth_at_the_side_and_the_answer_below():
    axes, = plots.confusion(np.array([[3, 1], [0, 2]]), ["cat", "dog"]).axes[:1]
    assert "true class" in axes.get_ylabel() and "answer" in axes.get_xlabel()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat (4)", "dog (2)"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["cat", "dog"]


# Layer curves and learning curves

def points(figure):
    """The means that are drawn, and the ends of their error bars, of each line with bars."""
    drawn = []
    for container in figure.axes[0].containers:
        line, _, (bars,) = container.lines
        drawn.append((line.get_xdata(), line.get_ydata(), np.array([segment[:, 1] for segment in bars.get_segments()])))
    return drawn


def test_a_layer_curve_is_means_with_deviations_and_stars_the_best():
    figure = plots.layer_curve(STAGES, {"svm": RISING}, {"pixels": [.3, .5]})
    (at, means, bars), = points(figure)
    np.testing.assert_allclose(means, RISING.mean(axis=1))
    np.testing.assert_allclose(bars.T, [means - RISING.std(axis=1), means + RISING.std(axis=1)])
    stars = [line for line in figure.axes[0].lines if line.get_marker() == "*"]
    assert [(line.get_xdata()[0], round(line.get_ydata()[0], 3)) for line in stars] == [(2, .767)]
    level, = [line for line in figure.axes[0].lines if line.get_label() == "pixels"]
    np.testing.assert_allclose(level.get_ydata(), .4)
    assert {*STAGES, "svm", "pixels"} <= set(words(figure))


def test_learning_curves_stand_at_their_numbers():
    figure = plots.learning_curves([5, 20, 60], {"head": RISING[:3], "all": RISING[1:]})
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["5", "20", "60"]
    for (at, means, bars), values in zip(points(figure), (RISING[:3], RISING[1:]), strict=True):
        assert list(at) == [5, 20, 60]
        np.testing.assert_allclose(means, values.mean(axis=1))
        np.testing.assert_allclose(bars[:, 1] - bars[:, 0], 2 * values.std(axis=1))


@pytest.mark.parametrize("curves, controls", [
    ({}, {}), ({"a": RISING[:3]}, {}), ({"a": RISING[0]}, {}), ({"a": RISING[:, :0]}, {}), ({"a": RISING}, {"b": RISING}),
    ({f"{i}": RISING for i in range(6)}, {"a": [1], "b": [1]})])
def test_a_layer_curve_refuses_other_shapes_and_too_many(curves, controls):
    with pytest.raises(InputError, match="layer_curve: .* give 1 to 7"):
        plots.layer_curve(STAGES, curves, controls)
