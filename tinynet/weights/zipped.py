"""The members of a zip archive as views into its bytes: nothing is unpacked, so nothing can swell."""
import io
import struct
import zipfile
import zlib

MOST_MEMBERS = 50_000


def zip_members(data):
    """Return what a zip archive holds, checked against its CRC-32.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    members : dict of str to (memoryview or None)
        In the archive's order; None stands for a member that is compressed or encrypted.

    Raises
    ------
    zipfile.BadZipFile
        If it is no zip archive, is damaged, or has overlapping or more than MOST_MEMBERS members.
    """
    if data.count(b"PK\1\2") > MOST_MEMBERS:                    # the mark of a member in the table of contents
        raise zipfile.BadZipFile(f"it has more than {MOST_MEMBERS:,} members")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
    if sum(info.compress_size for info in infos) > len(data):
        raise zipfile.BadZipFile("its members claim more bytes than the file has")
    members, view = {}, memoryview(data)
    for info in infos:
        if info.filename in members:
            raise zipfile.BadZipFile(f"its member {info.filename[:60]!r} is there twice")
        members[info.filename] = None
        if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
            # its own header: 30 bytes, the last four of them the lengths of the name and of the extra field behind
            start = info.header_offset + 30 + sum(struct.unpack_from("<HH", data, info.header_offset + 26))
            content = members[info.filename] = view[start:start + info.compress_size]
            whole = len(content) == info.compress_size == info.file_size
            if not whole or info.CRC not in (0, zlib.crc32(content)):           # 0: torch.save was told not to count
                raise zipfile.BadZipFile(f"its member {info.filename[:60]!r} was altered or cut short")
    return members
