"""The candidate's index arithmetic: the kernels' own lines, compiled by the machine's C compiler, against what stands."""
import ctypes
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import gpu, gpu_candidates, gpu_im2col
from tinynet import Tensor, backend
from tinynet.ops import conv

COMPILER = shutil.which("cc") or shutil.which("gcc")


class ElementwiseKernel:
    """CuPy's, for contiguous float32 arrays on the host: the lines run once for each i, and a name that is not raw is element i."""

    def __init__(self, inputs, outputs, body, name, folder):
        declared = [parameter.strip().rsplit(" ", 1) for parameter in f"{inputs}, {outputs}".split(",")]
        self.types, self.names = zip(*declared)
        self.n_inputs = inputs.count(",") + 1
        assert {"i", "n"}.isdisjoint(self.names) and not re.search(r"\b_", body)            # CuPy keeps these for itself
        arguments = ", ".join(f"{'int' if kind == 'int32' else 'float *'} {self._pointer(kind)}{name}" for kind, name in declared)
        elements = [f"#define {name} (all_{name}[i])\n" for kind, name in declared if kind == "T"]
        source, binary = folder / f"{name}.c", folder / f"{name}.so"
        source.write_text(f"#include <stddef.h>\ntypedef float T;\nvoid run(ptrdiff_t n, {arguments}) {{\n{''.join(elements)}"
                          f"for (ptrdiff_t i = 0; i < n; ++i) {{ {body} }} }}\n")
        subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", source, "-o", binary], check=True)
        self.run = ctypes.CDLL(str(binary)).run

    @staticmethod
    def _pointer(kind):
        return "all_" if kind == "T" else ""

    def __call__(self, *values, size=None):
        assert len(values) == len(self.types)
        whole = [value for kind, value in zip(self.types, values) if kind == "T"]
        assert (size is None) == bool(whole)                                                # CuPy wants one or the other
        sent = [ctypes.c_int(value) if kind == "int32" else ctypes.c_void_p(value.ctypes.data)
                for kind, value in zip(self.types, values)]
        assert all(value.dtype == np.float32 and value.flags.c_contiguous for kind, value in zip(self.types, values) if kind != "int32")
        self.run(ctypes.c_ssize_t(size if size is not None else whole[0].size), *sent)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The candidate with a stand-in for CuPy's compiler."""
    if COMPILER is None:
        pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("kernels")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "cupy", SimpleNamespace(ElementwiseKernel=lambda *texts: ElementwiseKernel(*texts, folder)))
        gpu_im2col._kernel.cache_clear()
        yield gpu_im2col
    gpu_im2col._kernel.cache_clear()


@st.composite
def geometries(draw):
    """x_shape, kernel, stride and padding whose window fits."""
    kernel, stride, padding = (draw(st.tuples(st.integers(low, high), st.integers(low, high))) for low, high in ((1, 5), (1, 4), (0, 3)))
    H, W = (draw(st.integers(max(1, k - 2 * p), 11)) for k, p in zip(kernel, padding))
    return (draw(st.integers(1, 3)), draw(st.integers(1, 3)), H, W), kernel, stride, padding


@settings(max_examples=150)
@given(geometry=geometries())
def test_the_kernels_give_what_stands_gives(compiled, geometry):
    x_shape, kernel, stride, padding = geometry
    rng = np.random.default_rng(0)
    x = rng.standard_normal(x_shape, dtype=np.float32)
    cols = compiled.im2col(x, kernel, stride, padding)
    np.testing.assert_array_equal(cols, conv.im2col(x, kernel, stride, padding))
    gcols = rng.standard_normal(cols.shape, dtype=np.float32)
    np.testing.assert_allclose(compiled.col2im(gcols, x_shape, kernel, stride, padding),
                               conv.col2im(gcols, x_shape, kernel, stride, padding), atol=1e-5)


@pytest.mark.parametrize("layer", gpu_im2col.LAYERS)
def test_layers_give_the_same_both_ways(compiled, layer):
    for now, new in compiled.pairs(layer, 1, "cpu").values():
        (a,), (b,) = now(), new()
        np.testing.assert_allclose(b, a, atol=1e-5 * abs(a).max())


def test_candidate_is_put_aside_again(compiled, rng):
    standing = conv.im2col
    with compiled.candidate():
        assert conv.im2col is compiled.im2col is not standing
        x, W = (rng.standard_normal(shape, dtype=np.float32) for shape in ((2, 3, 7, 5), (4, 3, 3, 2)))
        inside = conv.conv2d(Tensor(x), Tensor(W), padding=1).data
    assert conv.im2col is standing
    np.testing.assert_array_equal(inside, conv.conv2d(Tensor(x), Tensor(W), padding=1).data)


def test_wrong_results_are_not_timed(monkeypatch):
    monkeypatch.setattr(gpu, "milliseconds", lambda run, name: pytest.fail("timed"))
    assert "wrong" in gpu.turns(lambda: [np.ones(3)], lambda: [np.zeros(3)])


def test_turns_are_ratios_of_the_candidate_to_what_stands(monkeypatch):
    taken = {"now": 4.0, "new": 1.0}
    now, new = (lambda: [np.ones(3)] for _ in taken)
    monkeypatch.setattr(gpu, "milliseconds", lambda run, name: taken["now" if run is now else "new"])
    assert gpu.turns(now, new) == "4.000 | 1.000 | 0.25 (0.25-0.25) | 0e+00"


@pytest.mark.skipif(backend.gpu_problem() is None, reason="there is a GPU: running the script is the test")
def test_no_gpu_is_said():
    with pytest.raises(SystemExit, match="nothing was measured: "):
        gpu_candidates.main()
