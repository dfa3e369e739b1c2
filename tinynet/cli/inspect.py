"""``tinynet inspect``: what is in a weight file, and which network it fits."""
from pathlib import Path

from ..files import sha256
from ..models.convert import recognise
from ..models.pretrained import converted
from ..weights import read_weights

ROW = "{:52} {:20} {:8} {:>12,}"


def add(commands):
    """Add the command to the parser's commands."""
    parser = commands.add_parser("inspect", help="show what a weight file holds, and which network it fits")
    parser.add_argument("file", metavar="FILE", help="PyTorch, safetensors, Keras, ONNX, TFLite, Caffe or TensorFlow")
    parser.set_defaults(run=run)


def run(arguments):
    """Print what the file says of itself, its arrays, and where they fit."""
    path = Path(arguments.file)
    file = read_weights(path)
    print(f"{path}: {file.format}")
    for name, value in file.facts.items():
        text = f"  {name}: {str(value)[:100]}"
        print("".join(letter if letter.isprintable() else " " for letter in text))
    if path.is_file():
        print(f"  sha256: {sha256(path)}")
    for name, array in file.arrays.items():
        print(ROW.format(name, str(array.shape), str(array.dtype), array.nbytes))
    print(ROW.format(f"{len(file.arrays)} arrays", f"{sum(a.size for a in file.arrays.values()):,} numbers", "bytes",
                     sum(a.nbytes for a in file.arrays.values())))
    _, own = converted(path)
    if own:
        print(f"fits {own['model']}: converted by tinynet from {own['file']}, {own['source']}'s")
        return
    fits = recognise(file)
    for model, found in fits:
        options = ", ".join(f"{name}={value}" for name, value in found.options.items())
        print(f"fits {model.name} by {'the order of its layers' if found.by_order else f'the names of {found.source.name}'}"
              + f" ({options})" * bool(options) + "; without its classifier" * (len(found.net) < len(model.build(**found.options))))
    if not fits and file.format.startswith("ONNX"):
        print(f"fits no network of the zoo, but brings its own: --model {path}")
    elif not fits:
        print("fits no network of the zoo; --model NAME --weights FILE says what is missing")
