"""Winograd's convolution, against the ordinary one in float64."""
import numpy as np
import pytest

from tinynet import InputError, Tensor, no_grad, ops
from tinynet.backend import to_device, to_numpy
from tinynet.ops import winograd as file
from tinynet.ops.winograd import transformed, winograd


@pytest.mark.parametrize("size", [(1, 1), (4, 8), (7, 5), (13, 18)])
@pytest.mark.parametrize("tiles", [1, 3, 256])
@pytest.mark.parametrize("relu", [False, True])
def test_it_is_a_convolution(rng, monkeypatch, size, tiles, relu, device):
    monkeypatch.setattr(file, "TILES", tiles)               # a row of tiles, several, several images at a time
    x, W, b = (rng.standard_normal(shape) for shape in ((3, 5, *size), (7, 5, 3, 3), (7,)))
    expected = ops.conv2d(Tensor(x), Tensor(W), Tensor(b), padding=1, relu=relu).data
    x, W, b = (to_device(array, device) for array in (x, W, b))
    y = winograd(Tensor(x), transformed(W), Tensor(b), relu).data
    assert y.flags.c_contiguous and y.dtype == np.float64
    np.testing.assert_allclose(to_numpy(y), expected, atol=1e-10)
    without = winograd(Tensor(x), transformed(W), relu=relu).data
    assert relu or np.allclose(to_numpy(without), expected - to_numpy(b).reshape(-1, 1, 1), atol=1e-10)


def test_its_error_in_float32(rng):
    x, W = np.maximum(rng.standard_normal((2, 64, 14, 14)), 0), rng.standard_normal((64, 64, 3, 3))
    exact = ops.conv2d(Tensor(x), Tensor(W), padding=1).data
    y = winograd(Tensor(x.astype(np.float32)), transformed(W.astype(np.float32))).data
    assert y.dtype == np.float32 and abs(y - exact).max() < 1e-4 * exact.std()


def test_no_gradient_goes_through_it(rng):
    x, U = Tensor(rng.standard_normal((1, 2, 4, 4)), requires_grad=True), transformed(rng.standard_normal((3, 2, 3, 3)))
    with pytest.raises(InputError, match="no gradient"):
        winograd(x, U)
    with no_grad():
        assert winograd(x, U).shape == (1, 3, 4, 4)


@pytest.mark.parametrize("shape", [(1, 2, 4), (1, 3, 4, 4)])
def test_shapes_that_do_not_fit(shape):
    with pytest.raises(InputError, match=r"U \(36, 3, 2\)"):
        winograd(Tensor(np.zeros(shape)), transformed(np.zeros((3, 2, 3, 3))))
