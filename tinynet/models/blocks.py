"""What the deeper networks are made of: convolution with batch norm, and blocks with a way round them. Taught in lesson 19."""
from .. import ops
from ..errors import InputError
from ..layers import BatchNorm, Conv2d, Module, he_normal, zeros


class ConvReLU(Conv2d):
    """max(conv2d(x), 0): a convolution that keeps its own names for weight and bias, then a ReLU.

    Without rng its weights are 0, to be loaded.
    """

    by_row = True

    def __init__(self, channels, filters, kernel, rng=None, **options):
        super().__init__(channels, filters, kernel, rng=rng, init=zeros if rng is None else he_normal, **options)

    def forward(self, x):
        """Return the rectified maps, (N, C, H, W) -> (N, F, OH, OW)."""
        return ops.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.groups, relu=True)


class ConvNorm(Module):
    """Convolution, batch norm, and a nonlinearity where there is one. Without rng its weights are 0, to be loaded.

    Parameters
    ----------
    channels, filters : int
        Channels in and out.
    kernel, stride, groups : int
        Of the convolution.
    padding : int, "same" or None
        None is kernel // 2, PyTorch's habit: at stride 1 the maps keep their size.
    activation : callable or None
        ``ops.relu``, ``ops.relu6``, or none.
    eps : float
        Of the batch norm. Frameworks differ: 1e-5 in PyTorch, 1e-3 in TensorFlow.
    bias : bool
        Whether the convolution has one, which batch norm makes superfluous.
    rng : numpy.random.Generator, optional
        Draws the weights.
    """

    by_row = True

    def __init__(self, channels, filters, kernel, stride=1, groups=1, padding=None, activation=ops.relu, eps=1e-5, bias=False,
                 rng=None):
        self.conv = Conv2d(channels, filters, kernel, stride, kernel // 2 if padding is None else padding, groups, bias, rng,
                           init=zeros if rng is None else he_normal)
        self.norm = BatchNorm(filters, eps)
        self.activation = activation

    def forward(self, x):
        """(N, channels, H, W) -> (N, filters, OH, OW)"""
        y = self.norm(self.conv(x))
        return y if self.activation is None else self.activation(y)


class BasicBlock(Module):
    """y = relu(x + F(x)), F two 3x3 convolutions: ResNet18's and 34's block (He et al. 2015, figure 5 left).

    Where the sizes of x and F(x) differ, x goes through a 1x1 convolution, the shortcut.

    Parameters
    ----------
    channels, width : int
        Channels in and out.
    stride : int
        Of the first convolution.
    options : dict
        For each ConvNorm.
    """

    by_row = True
    expansion = 1

    def __init__(self, channels, width, stride=1, **options):
        self.conv1 = ConvNorm(channels, width, 3, stride, **options)
        self.conv2 = ConvNorm(width, width, 3, activation=None, **options)
        self.shortcut = None
        if stride != 1 or channels != width:
            self.shortcut = ConvNorm(channels, width, 1, stride, activation=None, **options)

    def forward(self, x):
        """(N, channels, H, W) -> (N, width, H / stride, W / stride)"""
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return ops.relu(self.conv2(self.conv1(x)) + shortcut)


class Bottleneck(Module):
    """y = relu(x + F(x)), F a 1x1 convolution to few channels, a 3x3 and a 1x1 back to many: ResNet50's block (figure 5 right).

    Parameters
    ----------
    channels, width : int
        Channels in, and inside; 4 width come out.
    stride : int
        Of the 3x3 convolution, as in PyTorch, or with `stride_first` of the first 1x1, as in the paper, Caffe and Keras.
    stride_first : bool
    options : dict
        For each ConvNorm.
    """

    by_row = True
    expansion = 4

    def __init__(self, channels, width, stride=1, stride_first=False, **options):
        first, second = (stride, 1) if stride_first else (1, stride)
        self.conv1 = ConvNorm(channels, width, 1, first, **options)
        self.conv2 = ConvNorm(width, width, 3, second, **options)
        self.conv3 = ConvNorm(width, 4 * width, 1, activation=None, **options)
        self.shortcut = None
        if stride != 1 or channels != 4 * width:
            self.shortcut = ConvNorm(channels, 4 * width, 1, stride, activation=None, **options)

    def forward(self, x):
        """(N, channels, H, W) -> (N, 4 width, H / stride, W / stride)"""
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return ops.relu(self.conv3(self.conv2(self.conv1(x))) + shortcut)


class InvertedResidual(Module):
    """Widen with 1x1 filters, filter each channel by itself, narrow with 1x1 filters: MobileNetV2's block.

    ReLU6 follows all but the last: where there are few channels, cutting off half of the numbers would lose too much.

    Parameters
    ----------
    channels, filters : int
        Channels in and out, few; where they are equal and stride is 1, x is added to the result.
    kernel, stride : int
        Of the depthwise convolution.
    expand : int
        How many times wider it is inside; 1 leaves out the first step.
    padding : None or "same"
    eps : float
    rng : numpy.random.Generator, optional
    """

    by_row = True

    def __init__(self, channels, filters, kernel=3, stride=1, expand=6, padding=None, eps=1e-5, rng=None):
        wide = channels * expand
        self.expand = None
        if expand != 1:
            self.expand = ConvNorm(channels, wide, 1, activation=ops.relu6, eps=eps, rng=rng)
        self.depthwise = ConvNorm(wide, wide, kernel, stride, wide, padding, ops.relu6, eps, rng=rng)
        self.project = ConvNorm(wide, filters, 1, activation=None, eps=eps, rng=rng)
        self.residual = stride == 1 and channels == filters

    def forward(self, x):
        """(N, channels, H, W) -> (N, filters, H / stride, W / stride)"""
        y = x if self.expand is None else self.expand(x)
        y = self.project(self.depthwise(y))
        return x + y if self.residual else y


def make_divisible(channels):
    """Return a number of channels rounded to a multiple of 8, never below 90 % of it: the rule of the MobileNets.

    Parameters
    ----------
    channels : float

    Returns
    -------
    rounded : int

    Raises
    ------
    InputError
        If it is not positive.
    """
    if not channels > 0:
        raise InputError(f"a layer of {channels} channels: the width must be above 0")
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8
