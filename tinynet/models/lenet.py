"""LeNet: handwritten digits, in the form of Caffe's own tutorial; 1.7 MB, so small that a file can be read by eye.
Taught in lesson 19.

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document Recognition", 1998; Caffe's
version has max-pools and no nonlinearity after the convolutions.
"""
from ..layers import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential, he_normal, zeros
from .contracts import MNIST_GREY
from .source import Source


def lenet(n_classes=10, rng=None):
    """Build LeNet: grey images (N, 1, 28, 28), 0 black to 1 white, to class scores (N, n_classes).

    Parameters
    ----------
    n_classes : int
        Number of classes.
    rng : numpy.random.Generator, optional
        Draws random weights (He); without it they are 0, to be loaded.

    Returns
    -------
    net : Sequential
        Stages conv1 pool1 conv2 pool2 flatten ip1 relu1 ip2; ip is Caffe's "inner product".
    """
    init = zeros if rng is None else he_normal
    return Sequential(
        conv1=Conv2d(1, 20, 5, rng=rng, init=init),                 # (N, 20, 24, 24)
        pool1=MaxPool2d(2),                                         # (N, 20, 12, 12)
        conv2=Conv2d(20, 50, 5, rng=rng, init=init),                # (N, 50, 8, 8)
        pool2=MaxPool2d(2),                                         # (N, 50, 4, 4)
        flatten=Flatten(),                                          # (N, 800)
        ip1=Linear(800, 500, rng, init=init),                       # (N, 500)
        relu1=ReLU(),
        ip2=Linear(500, n_classes, rng, init=init),
    )


SOURCES = (Source("Caffe", {name: name for name in ("conv1", "conv2", "ip1", "ip2")}, MNIST_GREY, flattened={"ip1": (50, 4, 4)}),)
