"""The names of the 1,000 ImageNet classes, in the order of the network's outputs."""
from pathlib import Path


def class_names():
    """Return the 1,000 class names of ImageNet (ILSVRC 2012): ``class_names()[285]`` is "Egyptian cat".

    Each is the first of the class's WordNet synonyms and differs from every other; of two classes with the
    same first name one or both carry a word in brackets ("crane (bird)"). Source and licence: see NOTICE.

    Returns
    -------
    names : list of str
        Name of class k at position k, k = 0 ... 999.
    """
    return Path(__file__).with_name("imagenet_classes.txt").read_text(encoding="utf-8").splitlines()
