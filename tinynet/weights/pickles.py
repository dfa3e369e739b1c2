"""Read a pickle as data, on a machine that has no instruction to run a stranger's code. Taught in lesson 19.

A pickle is a program for a small machine with a stack: NONE pushes None, TUPLE2 makes the top two items a pair,
GLOBAL fetches any importable name, REDUCE calls it with the tuple on top. The last two make `pickle.load` unsafe.
In this machine GLOBAL looks into a given table of harmless functions of ours, and nothing else can be called.
The standard library's `pickletools` only splits the bytes into instructions.

A pickle may also try to exhaust the reader. Each instruction here makes at most one small object or moves what is
there already, so memory is bounded by MOST_BYTES and MOST_STEPS; a dict keeps only the entries whose key is a str,
because the hash of a nested tuple could take for ever.
"""
import pickletools
from pickle import UnpicklingError

MOST_BYTES = 2**23          # of all pickles of a file: 250 bytes name and describe one tensor
MOST_STEPS = 400_000
WITH_ARGUMENT = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING",
                 "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
                 "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}


def read_pickle(file, names, persistent):
    """Run one pickle without calling anything but the functions given.

    Parameters
    ----------
    file : binary file object
        At the pickle's first byte; afterwards behind its last. It bounds what the pickle's strings can take.
    names : dict of str to object
        What each name "module.attribute" stands for. A function takes the tuple of arguments.
    persistent : callable
        Maps what the pickle says of an object that lies outside it, such as a tensor's numbers, to a stand-in.

    Returns
    -------
    content : object
        Dicts, lists, tuples and plain values; sets are lists, and the state of objects is dropped.

    Raises
    ------
    pickle.UnpicklingError
        If it names anything else, or is no pickle that this machine can run.
    """
    stack, marks, memo = [], [], {}

    def since_mark():
        start = marks.pop()
        items = stack[start:]
        del stack[start:]
        return items

    def named(module, attribute):
        if not (type(module) is type(attribute) is str):        # the text of a nested tuple could be endless
            raise UnpicklingError("it names something without a name")
        name = f"{module}.{attribute}"
        if name not in names:
            raise UnpicklingError(f"it names {name[:80]!r}, which is not needed to write down tensors")
        return names[name]

    def call(function, arguments):
        if not (callable(function) and type(arguments) is tuple):
            raise UnpicklingError("it calls what is not a function")
        return function(arguments)

    for step, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if step == MOST_STEPS:
            raise UnpicklingError(f"its pickle has more than {MOST_STEPS:,} instructions")
        match opcode.name:
            case "PROTO" | "FRAME":
                pass
            case name if name in CONSTANTS:
                stack.append(CONSTANTS[name])
            case name if name in WITH_ARGUMENT:
                stack.append(argument)
            case "EMPTY_LIST" | "EMPTY_SET":
                stack.append([])
            case "EMPTY_DICT":
                stack.append({})
            case "MARK":
                marks.append(len(stack))
            case "POP":
                stack.pop()
            case "POP_MARK":
                since_mark()
            case "DUP":
                stack.append(stack[-1])
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                items = [stack.pop() for _ in range(int(opcode.name[-1]))]
                stack.append(tuple(items[::-1]))
            case "TUPLE":
                stack.append(tuple(since_mark()))
            case "LIST" | "FROZENSET":
                stack.append(since_mark())
            case "DICT":
                items = since_mark()
                stack.append({})
                _fill(stack[-1], items)
            case "APPEND" | "SETITEM":
                items = [stack.pop() for _ in range(1 + (opcode.name == "SETITEM"))]
                _fill(stack[-1], items[::-1])
            case "APPENDS" | "ADDITEMS" | "SETITEMS":
                items = since_mark()
                _fill(stack[-1], items)
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "GLOBAL":
                stack.append(named(*argument.split(" ", 1)))
            case "STACK_GLOBAL":
                attribute, module = stack.pop(), stack.pop()
                stack.append(named(module, attribute))
            case "INST":
                function = named(*argument.split(" ", 1))
                stack.append(call(function, tuple(since_mark())))
            case "OBJ":
                function, *arguments = since_mark()
                stack.append(call(function, tuple(arguments)))
            case "REDUCE" | "NEWOBJ":
                arguments, function = stack.pop(), stack.pop()
                stack.append(call(function, arguments))
            case "BUILD":
                stack.pop()                             # an object's attributes: no tensor is among them
            case "BINPERSID":
                stack.append(persistent(stack.pop()))
            case "STOP":
                return stack.pop()
            case name:
                raise UnpicklingError(f"its pickle has the instruction {name}, which no state dict needs")


def _fill(target, items):
    """Append to a list, set the items of a dict (key, value, key, value, ...); a stand-in stays as it is."""
    if type(target) is list:
        target.extend(items)
    elif type(target) is dict:
        target.update((key, value) for key, value in zip(items[::2], items[1::2]) if type(key) is str)
