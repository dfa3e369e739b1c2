"""Photos as files, for the tests: a few drawings."""
from PIL import Image

from tinynet.samples import DrawnCats


def draw_folder(root, n_per_class):
    """Make a folder of class folders with so many drawings of each as PNG files, and return it."""
    drawn = DrawnCats(n_per_class)
    for i, label in enumerate(drawn.labels):
        path = root / drawn.classes[label] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn.image(i)).save(path)
    return root
