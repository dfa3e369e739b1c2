"""``tinynet convert``: a weight file of any framework as safetensors, under our names."""
from pathlib import Path

from ..errors import InputError
from ..files import command_line, sha256
from ..models import ZOO
from ..models.convert import convert, recognise
from ..weights import read_weights, save_weights


def add(commands):
    """Add the command to the parser's commands."""
    parser = commands.add_parser("convert", help="turn a weight file of any framework into safetensors")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--model", metavar="NAME", help="the network they are of (default: the one they fit)")
    parser.add_argument("--out", metavar="FILE", required=True, help="the file to write, .safetensors")
    parser.set_defaults(run=run)


def run(arguments):
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
    print(f"{arguments.out}: {fits[0].name}, {len(arrays)} arrays, {sum(a.nbytes for a in arrays.values()) / 1e6:.1f} MB")
    print(f"use it: {command_line('tinynet', 'classify', 'PHOTO')} --model {fits[0].name} {command_line('--weights', arguments.out)}")
