"""Sends back an array that says it has a hundred billion numbers, and frames longer than what follows."""
import io
import os
import zipfile

header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000,), }".ljust(117) + b"\n"
buffer = io.BytesIO()
with zipfile.ZipFile(buffer, "w") as archive:
    archive.writestr("rows/0/.npy", b"\x93NUMPY\x01\x00v\x00" + header + bytes(80))
frame = len(buffer.getvalue()).to_bytes(8, "big") + buffer.getvalue() + b"\xff" * 20
for fd in range(3, 64):
    try:
        os.write(fd, frame)
    except OSError:
        pass
os._exit(0)
