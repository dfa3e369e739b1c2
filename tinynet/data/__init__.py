"""Images in: files, folders of classes, drawn cats, splits, batches."""
from tinynet.data.dataset import Dataset
from tinynet.data.drawn import DrawnCats
from tinynet.data.folder import ImageFolder
from tinynet.data.image import Preprocessing, read_image
from tinynet.data.loader import batches, load_inputs
from tinynet.data.split import stratified_split

__all__ = [
    "Dataset",
    "DrawnCats",
    "ImageFolder",
    "Preprocessing",
    "batches",
    "load_inputs",
    "read_image",
    "stratified_split",
]
