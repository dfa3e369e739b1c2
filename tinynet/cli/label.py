"""Naming photos with a network: what `classify` and `predict` share."""
import json

import numpy as np

from ..compute import parallel
from ..data import read_image
from ..ops import softmax
from ..tensor import Tensor


def label(arguments, net, names, preprocessing, top):
    """Print the most likely classes of each image, one line each, or all as JSON.

    Parameters
    ----------
    arguments : argparse.Namespace
        ``images``, a list of paths, and ``json``.
    net : Module
        In evaluation mode.
    names : list of str
        Of its classes.
    preprocessing : Preprocessing
    top : int
        How many classes to show.
    """
    labelled = []
    for path in arguments.images:
        x = preprocessing(read_image(path))[None]           # (1, 3, crop, crop)
        p = softmax(Tensor(parallel.run(net, x))).numpy()[0]
        best = np.argsort(-p, kind="stable")[:top]
        labelled.append({"path": path, "top": [{"index": int(i), "name": names[i], "p": float(p[i])} for i in best]})
    if arguments.json:
        print(json.dumps(labelled, indent=2))
        return
    for photo in labelled:
        print(f"{photo['path']}: " + ", ".join(f"{found['name']} {found['p']:.3f}" for found in photo["top"]))
