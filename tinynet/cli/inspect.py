"""``tinynet inspect``: what is in a weight file; ``tinynet convert``: the same as safetensors, under our names."""
from pathlib import Path

from ..errors import InputError
from ..files import sha256
from ..models import ZOO
from ..models.convert import convert, recognise
from ..weights import read_weights, save_weights

ROW = "{:52} {:20} {:8} {:>12,}"


def add(commands):
    """Add both commands to the parser's commands."""
    parser = commands.add_parser("inspect", help="show what a weight file holds, and which network it fits")
    parser.add_argument("file", metavar="FILE", help="PyTorch, safetensors, Keras, ONNX, TFLite, Caffe or TensorFlow")
    parser.set_defaults(run=run)
    parser = commands.add_parser("convert", help="turn a weight file of any framework into safetensors")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--model", metavar="NAME", help="the network they are of (default: the one they fit)")
    parser.add_argument("--out", metavar="FILE", required=True, help="the file to write, .safetensors")
    parser.set_defaults(run=run_convert)


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
    fits = recognise(file)
    for model, found in fits:
        options = ", ".join(f"{name}={value}" for name, value in found.options.items())
        print(f"fits {model.name} by {'the order of its layers' if found.by_order else f'the names of {found.source.name}'}"
              + f" ({options})" * bool(options) + "; without its classifier" * (len(found.net) < len(model.build(**found.options))))
    if not fits and file.format.startswith("ONNX"):
        print(f"fits no network of the zoo, but brings its own: --model {path}")
    elif not fits:
        print("fits no network of the zoo; --model NAME --weights FILE says what is missing")


def run_convert(arguments):
    """Read, match, write."""
    if arguments.model is not None and arguments.model not in ZOO:
        raise InputError(f"no network {arguments.model!r}; the networks are {', '.join(ZOO)}")
    file = read_weights(arguments.file)
    fits = [ZOO[arguments.model]] if arguments.model else [model for model, _ in recognise(file)]
    if len(fits) != 1:
        raise InputError(f"{arguments.file} fits {', '.join(model.name for model in fits) or 'no network of the zoo'}; say which "
                         "it is: --model NAME")
    arrays, metadata = convert(file, fits[0], sha256(arguments.file) if Path(arguments.file).is_file() else "")
    del file                                        # a third of the memory that writing takes
    save_weights(arguments.out, arrays, metadata)
    print(f"{arguments.out}: {fits[0].name}, {len(arrays)} arrays, {sum(a.nbytes for a in arrays.values()) / 1e6:.1f} MB; use it: "
          f"tinynet classify --model {fits[0].name} --weights {arguments.out} PHOTO")
