"""What an image file holds besides pixels, and how to leave it away: damage there must not cost the picture.

A PNG is a list of chunks, a JPEG a list of segments, a WebP a list of RIFF chunks. Each names its kind and its length,
so that the few kinds which the pixels need can be copied and the others (EXIF, XMP, colour profiles, texts) left out.
"""
import struct

PNG, WEBP_KINDS = b"\x89PNG\r\n\x1a\n", (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF")
PNG_KINDS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def without_metadata(data):
    """Return an image file without what is not needed for its pixels.

    Parameters
    ----------
    data : bytes
        A PNG, JPEG or WebP file, perhaps damaged.

    Returns
    -------
    data : bytes
        The same kind of file; other files come back as they are.
    """
    if data.startswith(PNG):
        return PNG + b"".join(whole for kind, whole in png_chunks(data) if kind in PNG_KINDS)
    if data.startswith(b"\xff\xd8"):
        return _bare_jpeg(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _bare_webp(data)
    return data


def png_chunks(data):
    """Yield the chunks of a PNG file, as far as they can be told apart.

    Parameters
    ----------
    data : bytes

    Yields
    ------
    kind, whole : bytes
        The chunk's four letters, and all of it: length, letters, contents, checksum.
    """
    start = len(PNG)
    while start + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, start)
        yield kind, data[start:start + 12 + length]
        start += 12 + length


def _bare_jpeg(data):
    """Keep every segment up to the pixels but APP1 .. APP13, APP15 and comments; APP0 and APP14 tell the colours."""
    parts, start = [data[:2]], 2
    while start + 4 <= len(data) and data[start] == 0xFF and data[start + 1] != 0xDA:
        marker, length = struct.unpack_from(">xBH", data, start)
        if not (0xE1 <= marker <= 0xED or marker in (0xEF, 0xFE)):
            parts.append(data[start:start + 2 + length])
        start += 2 + length
    return b"".join([*parts, data[start:]])


def _bare_webp(data):
    parts, start = [], 12
    while start + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, start)
        end = start + 8 + length + length % 2
        if kind == b"VP8X" and length >= 1:             # its flags must not promise what is left out
            parts.append(data[start:start + 8] + bytes([data[start + 8] & 0b00010010]) + data[start + 9:end])
        elif kind in WEBP_KINDS:
            parts.append(data[start:end])
        start = end
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body
