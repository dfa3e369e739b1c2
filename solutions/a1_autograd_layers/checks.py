"""Hidden checks of a1: how the inputs of each task are drawn, what is asked of the answers, points."""
import numpy as np

from course.grading.contract import Assignment, Part, Task, Written


def draw_reverse(rng):
    """A chain, and a program in which values are used several times; both in the order in which they ran."""
    n = int(rng.integers(6, 10))
    made = np.repeat(np.arange(1, n), 3)
    from_ = rng.integers(0, made)
    from_[::3] = made[::3] - 1                      # each value uses the one before, so that all of them matter
    return {"n": n, "chain": np.stack([np.arange(1, n), np.arange(n - 1)], axis=1),
            "chain_slopes": rng.uniform(0.5, 2, size=n - 1),
            "uses": np.stack([made, from_], axis=1), "slopes": rng.uniform(0.2, 1, size=len(made))}


def chain(answer, n, chain, chain_slopes):
    return answer.reverse(n, chain, chain_slopes)


def used_twice(answer, n, uses, slopes):
    return answer.reverse(n, uses, slopes)


def draw_gradient(rng):
    return {"g": rng.normal(size=rng.permutation([2, 3, 5, 7]))}


def new_axes(answer, g):
    return {"one": answer.unbroadcast(g, g.shape[1:]), "all": answer.unbroadcast(g, g.shape[3:]),
            "none": answer.unbroadcast(g, g.shape)}


def length_one(answer, g):
    _, i, j, k = g.shape
    return {"front": answer.unbroadcast(g, (1, i, j, k)), "middle": answer.unbroadcast(g, (i, 1, k)),
            "both": answer.unbroadcast(g, (1, j, 1)), "scalar": answer.unbroadcast(g, ())}


def sum_back(g, shape):
    """What unbroadcast must do, for tasks that are handed it: add up number by number."""
    total = np.zeros(shape)
    for place in np.ndindex(g.shape):
        kept = place[len(place) - len(shape):]
        total[tuple(0 if length == 1 else at for at, length in zip(kept, shape))] += g[place]
    return total


def on_tape(function, a, b, gy):
    """Apply a Function to two leaves and return its result and their gradients."""
    from tinynet import Tensor
    a, b = Tensor(a, requires_grad=True), Tensor(b, requires_grad=True)
    y = function(a, b)
    y.backward(gy)
    return {"y": y.data, "ga": a.grad, "gb": b.grad}


def draw_operands(rng):
    i, j, k = rng.permutation([2, 3, 5])
    return {"a": rng.normal(size=(i, j, k)), "b": rng.normal(size=(i, j, k)), "row": rng.normal(size=k),
            "column": rng.normal(size=(j, 1)), "gy": rng.normal(size=(i, j, k))}


def add_same(answer, a, b, gy):
    return on_tape(answer.Add(sum_back), a, b, gy)


def add_stretched(answer, a, row, column, gy):
    first, second = on_tape(answer.Add(sum_back), row, a, gy), on_tape(answer.Add(sum_back), a, column, gy)
    return {f"row {key}": first[key] for key in first} | {f"column {key}": second[key] for key in second}


def multiply_same(answer, a, b, gy):
    return on_tape(answer.Multiply(sum_back), a, b, gy)


def multiply_stretched(answer, a, row, column, gy):
    first, second = on_tape(answer.Multiply(sum_back), row, a, gy), on_tape(answer.Multiply(sum_back), a, column, gy)
    return {f"row {key}": first[key] for key in first} | {f"column {key}": second[key] for key in second}


def draw_matrices(rng):
    n, d, k, batch = rng.permutation([2, 3, 5, 7])
    return {"A": rng.normal(size=(n, d)), "B": rng.normal(size=(d, k)), "gY": rng.normal(size=(n, k)),
            "As": rng.normal(size=(batch, 1, n, d)), "Bs": rng.normal(size=(4, d, k)),
            "gYs": rng.normal(size=(batch, 4, n, k))}


def matrices(answer, A, B, gY):
    return on_tape(answer.MatMul(sum_back), A, B, gY)


def batches(answer, As, Bs, gYs):
    return on_tape(answer.MatMul(sum_back), As, Bs, gYs)


def draw_relu(rng):
    x = rng.normal(size=rng.integers(3, 9, size=2))
    x[rng.random(x.shape) < 0.3] = 0
    x[0, 0] = 0
    return {"x": x, "gy": rng.normal(size=x.shape)}


def one_on_tape(function, x, gy):
    """Apply a Function to one leaf and return its result and the leaf's gradient."""
    from tinynet import Tensor
    x = Tensor(x, requires_grad=True)
    y = function(x)
    y.backward(gy)
    return {"y": y.data, "gx": x.grad}


def relu_forward(answer, x, gy):
    return one_on_tape(answer.ReLU(), x, gy)["y"]


def relu_backward(answer, x, gy):
    return one_on_tape(answer.ReLU(), x, gy)["gx"]


def draw_conv(rng):
    """Sizes that differ along every axis; the last pixels of some images are under no window."""
    N, C, F = rng.permutation([2, 3, 4])
    R, S = rng.permutation([2, 3, 4])[:2]
    H, W = rng.permutation([7, 8, 9])[:2]
    stride, padding = int(rng.integers(2, 4)), int(rng.integers(1, 3))
    shape = [(size + 2 * padding - kernel) // stride + 1 for size, kernel in ((H, R), (W, S))]
    return {"x": rng.normal(size=(N, C, H, W)), "W": rng.normal(size=(F, C, R, S)), "b": rng.normal(size=F),
            "stride": stride, "padding": padding, "gy": rng.normal(size=(N, F, *shape)),
            "gy_plain": rng.normal(size=(N, F, H - R + 1, W - S + 1))}


def conv_plain(answer, x, W, b):
    return answer.conv2d(x, W, b, 1, 0)


def conv_padded(answer, x, W, b, padding):
    return answer.conv2d(x, W, b, 1, int(padding))


def conv_stride(answer, x, W, b, stride, padding):
    return answer.conv2d(x, W, b, int(stride), int(padding))


def both_gradients(answer, which, x, W, gy, gy_plain, stride, padding):
    """One of the gradients of a convolution, without and with stride and padding."""
    return {"plain": answer.conv2d_backward(gy_plain, x, W, 1, 0)[which],
            "strided": answer.conv2d_backward(gy, x, W, int(stride), int(padding))[which]}


def conv_gx(answer, x, W, gy, gy_plain, stride, padding):
    return both_gradients(answer, 0, x, W, gy, gy_plain, stride, padding)


def conv_gW(answer, x, W, gy, gy_plain, stride, padding):
    return both_gradients(answer, 1, x, W, gy, gy_plain, stride, padding)


def conv_gb(answer, x, W, gy, gy_plain, stride, padding):
    return both_gradients(answer, 2, x, W, gy, gy_plain, stride, padding)


def draw_dropout(rng):
    shape = rng.integers(5, 12, size=2)
    return {"x": rng.normal(size=shape), "u": rng.random(shape), "p": rng.uniform(0.2, 0.4), "gy": rng.normal(size=shape)}


def dropped(answer, x, u, p, gy):
    return one_on_tape(answer.Dropout(float(p), u), x, gy)["y"]


def dropped_backward(answer, x, u, p, gy):
    return one_on_tape(answer.Dropout(float(p), u), x, gy)["gx"]


def dropout_at_test(answer, x, p, gy):
    return one_on_tape(answer.Dropout(float(p), None), x, gy)


def draw_scores(rng):
    n, k = rng.permutation([4, 5, 7])[:2]
    return {"scores": rng.normal(scale=2, size=(n, k)), "large": rng.normal(scale=3000, size=(n, k)),
            "labels": rng.integers(k, size=n)}


def loss(answer, scores, labels):
    return answer.cross_entropy(scores, labels)[0]


def loss_gradient(answer, scores, labels):
    return answer.cross_entropy(scores, labels)[1]


def large_scores(answer, large, labels):
    loss, gradient = answer.cross_entropy(large, labels)
    return {"loss": loss, "gradient": gradient}


ASSIGNMENT = Assignment(
    tasks=[
        Task("a1-reverse", draw_reverse, [Part("chain", 3, chain), Part("used twice", 5, used_twice)]),
        Task("a1-unbroadcast", draw_gradient, [Part("new axes", 3, new_axes), Part("axes of length 1", 5, length_one)]),
        Task("a1-add", draw_operands, [Part("same shapes", 2, add_same), Part("broadcast", 2, add_stretched)],
             support=[sum_back, on_tape]),
        Task("a1-multiply", draw_operands,
             [Part("same shapes", 4, multiply_same), Part("broadcast", 4, multiply_stretched)],
             support=[sum_back, on_tape]),
        Task("a1-matmul", draw_matrices, [Part("matrices", 6, matrices), Part("batches", 4, batches)],
             support=[sum_back, on_tape]),
        Task("a1-relu", draw_relu, [Part("forward", 2, relu_forward), Part("backward", 4, relu_backward)],
             support=[one_on_tape]),
        Task("a1-conv", draw_conv, [Part("plain", 6, conv_plain), Part("padding", 2, conv_padded),
                                    Part("stride and padding", 4, conv_stride)]),
        Task("a1-conv-backward", draw_conv, [Part("gx", 8, conv_gx), Part("gW", 6, conv_gW), Part("gb", 2, conv_gb)],
             support=[both_gradients]),
        Task("a1-dropout", draw_dropout, [Part("forward", 4, dropped), Part("backward", 2, dropped_backward),
                                          Part("at test time", 2, dropout_at_test)], support=[one_on_tape]),
        Task("a1-cross-entropy", draw_scores, [Part("loss", 3, loss), Part("gradient", 4, loss_gradient),
                                               Part("large scores", 3, large_scores)]),
    ],
    written=[Written("a1-explain", 10)],
)
