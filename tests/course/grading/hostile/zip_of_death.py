"""Sends back an .npz of a few kilobytes that unpacks to a thousand times as much."""
import io
import os
import zipfile

buffer = io.BytesIO()
with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
    with archive.open("rows/0/.npy", "w", force_zip64=True) as member:
        header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000,), }".ljust(117) + b"\n"
        member.write(b"\x93NUMPY\x01\x00v\x00" + header)
        for _ in range(8):
            member.write(bytes(1 << 20))
frame = len(buffer.getvalue()).to_bytes(8, "big") + buffer.getvalue()
for fd in range(3, 64):
    try:
        os.write(fd, frame)
    except OSError:
        pass
os._exit(0)
