"""Images and sounds in: files, folders of classes, splits, batches."""
from .audio import read_wav, resample
from .dataset import Dataset
from .folder import ImageFolder
from .image import read_image
from .loader import batches, load_inputs
from .logmel import log_mel
from .picture import read_picture
from .preprocess import Preprocessing
from .split import stratified_split

__all__ = [
    "Dataset",
    "ImageFolder",
    "Preprocessing",
    "batches",
    "load_inputs",
    "log_mel",
    "read_image",
    "read_picture",
    "read_wav",
    "resample",
    "stratified_split",
]
