"""Images and sounds in: files, folders of classes, splits, distortions, batches."""
from .audio import read_wav, resample
from .augment import AUGMENTS, Compose, named_augment
from .colour import ColourShift, Light, PCAColour
from .copies import Copies
from .dataset import Dataset
from .folder import ImageFolder
from .geometry import Crop, Mirror, Rotate, Shear, Warp
from .image import read_image
from .loader import Loader, batches, load_inputs
from .logmel import log_mel
from .picture import read_picture
from .preprocess import Preprocessing
from .split import stratified_split
from .views import TEN_VIEWS, VIEWS, View, Views

__all__ = [
    "AUGMENTS",
    "TEN_VIEWS",
    "VIEWS",
    "ColourShift",
    "Compose",
    "Copies",
    "Crop",
    "Dataset",
    "ImageFolder",
    "Light",
    "Loader",
    "Mirror",
    "PCAColour",
    "Preprocessing",
    "Rotate",
    "Shear",
    "View",
    "Views",
    "Warp",
    "batches",
    "load_inputs",
    "log_mel",
    "named_augment",
    "read_image",
    "read_picture",
    "read_wav",
    "resample",
    "stratified_split",
]
