"""Images in: files, folders of classes, splits, batches."""
from .dataset import Dataset
from .folder import ImageFolder
from .image import read_image
from .loader import batches, load_inputs
from .preprocess import Preprocessing
from .split import stratified_split

__all__ = [
    "Dataset",
    "ImageFolder",
    "Preprocessing",
    "batches",
    "load_inputs",
    "read_image",
    "stratified_split",
]
