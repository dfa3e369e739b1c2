"""Images in: files, folders of classes, splits, batches."""
from .dataset import Dataset
from .folder import ImageFolder
from .image import read_image
from .loader import batches, load_inputs
from .preprocess import Preprocessing
from .split import stratified_split
from .views import TEN_VIEWS, VIEWS, View, Views

__all__ = [
    "TEN_VIEWS",
    "VIEWS",
    "Dataset",
    "ImageFolder",
    "Preprocessing",
    "View",
    "Views",
    "batches",
    "load_inputs",
    "read_image",
    "stratified_split",
]
