"""``tinynet export``: a classifier of one's own for other programs."""
from pathlib import Path

from ..errors import InputError
from ..models import ZOO
from ..transfer import load_run
from ..transfer.export import export_onnx
from ..transfer.export_pytorch import export_pytorch
from ..weights import load_weights

SCRIPT = '''import json, sys
import numpy as np, onnxruntime
from PIL import Image, ImageOps

session = onnxruntime.InferenceSession({path!r})
about = session.get_modelmeta().custom_metadata_map
classes, limit, resize, crop = [json.loads(about[key]) for key in ("classes", "limit", "resize", "crop")]
image = ImageOps.exif_transpose(Image.open(sys.argv[1])).convert("RGB")
size = [round(side * resize / min(image.size)) for side in image.size]
left, top = [(side - crop) // 2 for side in size]
image = image.resize(size, Image.Resampling[about["resample"].upper()]).crop((left, top, left + crop, top + crop))
p, distance = session.run(None, {{"image": np.array(image)[None]}})
print(classes[p[0].argmax()] if distance[0] <= limit else "none of these", p[0].max())'''


def add(commands):
    """Add the command to the parser's commands."""
    parser = commands.add_parser("export", help="write a classifier of your own for other programs: ONNX or PyTorch")
    parser.add_argument("folder", metavar="RUN", help="the folder of a run of `tinynet transfer`")
    parser.add_argument("--onnx", metavar="FILE", help="one file for every ONNX runtime, from pixels to probabilities")
    parser.add_argument("--weights", metavar="FILE",
                        help="its weights, .safetensors, for the same network of torchvision or timm")
    parser.set_defaults(run=run)


def run(arguments):
    """Write what is asked for, and show how it is used."""
    wanted = {"--onnx": arguments.onnx, "--weights": arguments.weights}
    if not any(wanted.values()):
        raise InputError("say what to write: --onnx FILE or --weights FILE; see `tinynet export --help`")
    for option, path in wanted.items():
        if path and Path(path).is_dir():
            raise InputError(f"{option} {path}: that is a folder; give the name of a file")
    classifier = load_run(arguments.folder)
    own = Path(arguments.folder) / "model.safetensors"
    metadata = load_weights(own)[1]
    needed = [Path(file).resolve() for file in (own, metadata["weights"].get("file", own))]
    for option, path in wanted.items():
        if path and Path(path).resolve() in needed:
            raise InputError(f"{option} {path}: the run itself needs that file; give another name")
    about = {"made_on": _provenance(metadata["model"], metadata["weights"]), "made_by": f"tinynet {metadata['tinynet']}"}
    if arguments.onnx:
        difference = export_onnx(arguments.onnx, classifier, about)
        print(f"{_size(arguments.onnx)}; in onnxruntime its answers are tinynet's, to {difference:.0e}\n\n"
              f"{SCRIPT.format(path=arguments.onnx)}\n")
    if arguments.weights:
        code = export_pytorch(arguments.weights, classifier, metadata["model"], about)
        print(f"{_size(arguments.weights)}\n\n{code}\n")
    if len(classifier.views) > 1 and arguments.onnx:
        print("the mirror image is that of the crop; where the margin is odd, `tinynet predict` takes one that lies a pixel "
              "beside it, and its probabilities differ in the second or third digit")
    if len(classifier.views) > 1 and arguments.weights:
        print("PyTorch's network sees each photo once, where `tinynet predict` also sees its mirror image")


def _size(path):
    return f"{path}: {Path(path).stat().st_size / 1e6:.1f} MB"


def _provenance(name, weights):
    """Return what the pretrained network is, whose weights it has, and under which licence they are."""
    if name not in ZOO:
        return f"a network of the file {Path(weights['file']).name} (SHA-256 {weights['sha256']})"
    published = ZOO[name].weights
    if not weights or published and published.sha256 and weights["sha256"].startswith(published.sha256):
        return f"{ZOO[name].words}; its published weights, licence {published.licence}"
    return f"{ZOO[name].words}; weights of the file {Path(weights['file']).name} (SHA-256 {weights['sha256']})"
