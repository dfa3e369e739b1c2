"""read_image against files of every kind, whole and broken; Preprocessing against the reference crops."""
import io
import os
import json
import struct
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from tinynet.data import Preprocessing
from tinynet.data.image import decode_image, is_image, read_image
from tinynet.errors import InputError

SETTINGS = dict(resize=256, crop=227, resample="bicubic", channels="BGR", mean=(104, 117, 123), scale=1.0)
LOSSLESS = {"PNG": {}, "BMP": {}, "WEBP": {"lossless": True}}


def picture(height=13, width=7, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def encode(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


@pytest.fixture
def read(tmp_path):
    """Write an image in a format and read it back."""
    def read(image, format, **options):
        path = tmp_path / "image"
        image.save(path, format, **options)
        return read_image(path)
    return read


# --- whole files ---

@pytest.mark.parametrize("format", LOSSLESS)
def test_lossless_formats_keep_every_pixel(read, format):
    rgb = picture()
    got = read(Image.fromarray(rgb), format, **LOSSLESS[format])
    assert got.dtype == np.uint8 and got.shape == (13, 7, 3)
    np.testing.assert_array_equal(got, rgb)


def test_gif_keeps_palette_colours_and_the_first_frame(read):
    frames = [Image.new("RGB", (7, 13), colour) for colour in ("red", "blue")]
    got = read(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(got, np.array(frames[0]))


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_jpeg_is_close_and_in_rgb_order(read, options):
    got = read(Image.new("RGB", (7, 13), (200, 100, 50)), "JPEG", quality=95, **options)
    np.testing.assert_allclose(got, np.full((13, 7, 3), (200, 100, 50)), atol=3)


def test_contents_decide_not_the_suffix(tmp_path):
    path = tmp_path / "really_a_png.jpg"
    path.write_bytes(encode(Image.fromarray(picture()), "PNG"))
    np.testing.assert_array_equal(read_image(path), picture())


def test_the_result_may_be_written_to(read):
    read(Image.fromarray(picture()), "PNG")[0, 0, 0] = 1


@pytest.mark.parametrize("mode, pixel, want", [
    ("L", 90, (90, 90, 90)),
    ("1", 255, (255, 255, 255)),
    ("1", 0, (0, 0, 0)),
    ("LA", (90, 255), (90, 90, 90)),
    ("LA", (90, 0), (255, 255, 255)),
    ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
    ("RGBA", (10, 20, 30, 0), (255, 255, 255)),
    ("RGBA", (10, 20, 30, 51), (206, 208, 210)),  # 0.2 * colour + 0.8 * white
])
def test_modes_become_rgb_on_white(read, mode, pixel, want):
    np.testing.assert_array_equal(read(Image.new(mode, (5, 3), pixel), "PNG"), np.full((3, 5, 3), want))


@pytest.mark.parametrize("format", ["PNG", "GIF"])
def test_a_transparent_palette_colour_becomes_white(read, format):
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putdata([0, 1])
    np.testing.assert_array_equal(read(image, format, transparency=1), [[(255, 0, 0), (255, 255, 255)]])


def test_a_palette_with_partial_transparency_is_composited(read):
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 0, 0, 255])
    image.putdata([0, 1])
    np.testing.assert_array_equal(read(image, "PNG", transparency=bytes([51, 255])),
                                  [[(206, 208, 210), (0, 0, 255)]])


def test_a_transparent_rgb_colour_becomes_white(read):
    rgb = np.array([[(1, 2, 3), (4, 5, 6)]], np.uint8)
    got = read(Image.fromarray(rgb), "PNG", transparency=(4, 5, 6))
    np.testing.assert_array_equal(got, [[(1, 2, 3), (255, 255, 255)]])


def test_sixteen_bit_grey_is_scaled_not_clipped(read):
    grey = np.array([[0, 255, 256, 1000, 32768, 65535]], np.uint16)
    got = read(Image.fromarray(grey), "PNG")
    np.testing.assert_array_equal(got[0, :, 0], [0, 0, 1, 3, 128, 255])
    np.testing.assert_array_equal(got[..., 0], got[..., 2])


def test_cmyk_is_neither_inverted_nor_left_with_four_channels(read):
    got = read(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)
    assert got.shape == (16, 16, 3)
    np.testing.assert_allclose(got, np.full((16, 16, 3), (255, 0, 0)), atol=6)


# --- EXIF orientation ---

def exif(orientation, *more):
    """TIFF bytes of little-endian EXIF entries, each (tag, type, count, four bytes)."""
    entries = sorted([(0x0112, 3, 1, struct.pack("<HH", orientation, 0)), *more])
    body = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in entries)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(4)


@pytest.mark.parametrize("format, options", [("PNG", {}), ("WEBP", {"lossless": True}), ("JPEG", {})])
@pytest.mark.parametrize("orientation", range(10))  # 1..8 have a meaning
def test_orientation_is_applied_as_pillow_does(tmp_path, format, options, orientation):
    path = tmp_path / "image"
    path.write_bytes(encode(Image.fromarray(picture()), format, exif=exif(orientation), **options))
    got = read_image(path)
    assert got.shape == ((7, 13, 3) if 5 <= orientation <= 8 else (13, 7, 3))
    np.testing.assert_array_equal(got, np.array(ImageOps.exif_transpose(Image.open(path))))


def test_orientation_six_turns_clockwise(read):
    rgb = picture()
    np.testing.assert_array_equal(read(Image.fromarray(rgb), "PNG", exif=exif(6)), np.rot90(rgb, -1))


def test_orientation_survives_a_malformed_tag(read):
    make_is_a_number = (0x010F, 12, 1, struct.pack("<I", 0))  # the camera's maker, stored as a float
    rgb = picture()
    got = read(Image.fromarray(rgb), "PNG", exif=exif(6, make_is_a_number))
    np.testing.assert_array_equal(got, np.rot90(rgb, -1))


def test_sixteen_bit_grey_is_turned_too(read):
    grey = picture()[:, :, 0].astype(np.uint16) << 8
    got = read(Image.fromarray(grey), "PNG", exif=exif(6))
    np.testing.assert_array_equal(got[:, :, 0], np.rot90(grey >> 8, -1))


# --- broken files ---

PNG_WITH_A_WRONG_LENGTH = bytearray(encode(Image.fromarray(picture(47, 31)), "PNG"))
PNG_WITH_A_WRONG_LENGTH[35] -= 1  # of its pixel chunk: Pillow raises SyntaxError, where others raise OSError


def test_missing_file_and_folder_name_the_path_and_the_remedy(tmp_path):
    for path, match in ((tmp_path / "no_such.jpg", "check the name"), (tmp_path, "is a folder, not an image file")):
        with pytest.raises(InputError, match=match) as caught:
            read_image(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("contents, reason", [
    (b"", "empty"),
    (b"just notes\n" * 99, "not a JPEG"),
    (b"\xff\xd8\xff\xe0" + bytes(99), "not a JPEG|damaged"),
    (encode(Image.fromarray(picture()), "TIFF"), "convert it"),
    (encode(Image.fromarray(picture(99, 97)), "JPEG")[:-900], "cut short"),
    (PNG_WITH_A_WRONG_LENGTH, "damaged"),
    (encode(Image.new("L", (1000, 7)), "PNG"), "1000 x 7 pixels, too thin"),
])
def test_bad_contents_name_the_file_and_the_remedy_on_one_line(tmp_path, contents, reason):
    path = tmp_path / "bad.jpg"
    path.write_bytes(contents)
    with pytest.raises(InputError, match=reason) as caught:
        read_image(path)
    message = str(caught.value)
    assert message.startswith(str(path)) and ";" in message and "\n" not in message


WHOLE = {
    "JPEG": encode(Image.fromarray(picture(47, 31)), "JPEG"),
    "progressive JPEG": encode(Image.fromarray(picture(47, 31)), "JPEG", progressive=True),
    "PNG": encode(Image.fromarray(picture(47, 31)), "PNG"),
    "BMP": encode(Image.fromarray(picture(47, 31)), "BMP"),
    "GIF": encode(Image.fromarray(picture(47, 31)).quantize(), "GIF"),
    "WebP": encode(Image.fromarray(picture(47, 31)), "WEBP"),
}


@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_a_file_cut_anywhere_is_refused_unless_no_pixel_is_lost(kind, data):
    whole = WHOLE[kind]
    cut = data.draw(st.integers(0, len(whole) - 1))
    try:
        got, _ = decode_image(io.BytesIO(whole[:cut]))
    except InputError:
        assert cut < len(whole)
    else:  # a missing end marker loses nothing
        assert cut > len(whole) - 25
        np.testing.assert_array_equal(got, decode_image(io.BytesIO(whole))[0])


@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_overwritten_bytes_raise_nothing_but_input_error(kind, data):
    broken = bytearray(WHOLE[kind])
    for place in data.draw(st.lists(st.integers(0, len(broken) - 1), min_size=1, max_size=9)):
        broken[place] = data.draw(st.integers(0, 255))
    try:
        rgb, _ = decode_image(io.BytesIO(bytes(broken)))
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert rgb.dtype == np.uint8 and rgb.ndim == 3 and rgb.shape[2] == 3


def png_header(width, height):
    """A PNG file of this size up to where its pixels would start."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    checked = header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + checked + struct.pack(">I", 9) + b"IDAT"


@pytest.mark.parametrize("side", [9_500, 60_000])  # Pillow warns of the one, and refuses the other
def test_decompression_bombs_are_refused_without_a_warning(tmp_path, side):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(side, side))
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        with pytest.raises(InputError, match="bomb.png: has more than 89,478,485 pixels.*; save a smaller"):
            read_image(path)
    assert not shown


def test_slow_reads_on_many_threads_leave_the_warning_filters_as_they_were():
    class SlowFile(io.BytesIO):
        def read(self, *size):
            time.sleep(np.random.default_rng().uniform(0, 0.001))  # so that the threads overtake each other
            return super().read(*size)

    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decode_image, [SlowFile(WHOLE["PNG"]) for _ in range(40)]))
    assert list(warnings.filters) == before


def test_is_image_looks_at_the_contents(tmp_path):
    photo, text, empty = tmp_path / "photo.txt", tmp_path / "text.jpg", tmp_path / "empty.png"
    photo.write_bytes(WHOLE["JPEG"])
    text.write_bytes(b"BM is how a bitmap starts, and this text")
    empty.write_bytes(b"")
    assert is_image(photo)
    assert not any(map(is_image, (text, empty, tmp_path, tmp_path / "missing")))


# --- preprocessing ---

def test_reference_crops_and_inputs_bit_for_bit(shared):
    photos = pytest.importorskip("skimage.data")
    reference = np.load(shared / "reference" / "squeezenet11_ref.npz")
    prep = Preprocessing(**SETTINGS)
    for i, name in enumerate(reference["names"]):
        rgb = getattr(photos, str(name))()
        np.testing.assert_array_equal(prep.crop_pixels(rgb), reference["crop_uint8"][i])
        np.testing.assert_array_equal(prep(rgb), reference["input"][i])


def test_reference_crops_from_the_files_themselves(shared):
    photos = pytest.importorskip("skimage.data")
    reference = np.load(shared / "reference" / "squeezenet11_ref.npz")
    for i, name in enumerate(["chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png"]):
        rgb = read_image(f"{photos.__path__[0]}/{name}")
        np.testing.assert_array_equal(Preprocessing(**SETTINGS).crop_pixels(rgb), reference["crop_uint8"][i])


@pytest.mark.parametrize("channels, order", [("RGB", (0, 1, 2)), ("BGR", (2, 1, 0))])
def test_input_is_the_crop_in_order_minus_mean_times_scale(channels, order):
    prep = Preprocessing(11, 7, "bilinear", channels, mean=(3, 5, 127), scale=1 / 128)
    rgb = picture(29, 23)
    pixels, x = prep.crop_pixels(rgb), prep(rgb)
    assert x.dtype == np.float32 and x.shape == (3, 7, 7) and x.flags.c_contiguous
    for c in range(3):
        for row in range(7):
            for column in range(7):
                want = (float(pixels[row, column, order[c]]) - (3, 5, 127)[c]) / 128
                assert x[c, row, column] == np.float32(want)


@pytest.mark.parametrize("height, width", [(1, 1), (13, 7), (7, 13), (227, 300), (600, 257)])
def test_any_size_gives_the_crop_and_keeps_the_proportions(height, width):
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[:, width // 2:] = 255  # left half black, right half white
    pixels = Preprocessing(**SETTINGS).crop_pixels(rgb)
    assert pixels.shape == (227, 227, 3)
    if width > 1:
        assert pixels[113, 10, 0] == 0 and pixels[113, -10, 0] == 255


def test_the_crop_is_the_middle_and_an_odd_pixel_goes_right_and_below():
    rgb = picture(10, 13)
    prep = Preprocessing(**SETTINGS | {"resize": 10, "crop": 7})  # no scaling: margins of 3 and 6 pixels
    np.testing.assert_array_equal(prep.crop_pixels(rgb), rgb[1:8, 3:10])


def test_resample_is_used():
    rgb = picture(29, 23)
    bilinear, bicubic = (Preprocessing(**SETTINGS | {"resample": name}).crop_pixels(rgb)
                         for name in ("bilinear", "bicubic"))
    assert (bilinear != bicubic).any()


@pytest.mark.parametrize("wrong", [
    np.zeros((5, 7, 3)), np.zeros((5, 7), np.uint8), np.zeros((5, 7, 4), np.uint8),
    np.zeros((0, 7, 3), np.uint8),
])
def test_an_image_of_another_kind_is_refused(wrong):
    with pytest.raises(InputError, match=r"expected uint8 \(H, W, 3\)"):
        Preprocessing(**SETTINGS)(wrong)


def test_settings_survive_json_and_integers_equal_floats():
    prep = Preprocessing(**SETTINGS)
    saved = json.dumps(prep.to_dict())
    assert json.loads(saved) == prep.to_dict()
    again = Preprocessing.from_dict(json.loads(saved))
    assert again == prep and hash(again) == hash(prep)
    assert json.dumps(Preprocessing(**SETTINGS | {"mean": [104.0, 117, 123], "scale": 1}).to_dict()) == saved


def test_missing_and_unknown_entries_are_all_named():
    entries = {name: SETTINGS[name] for name in ("resize", "resample", "channels", "scale")}
    with pytest.raises(InputError, match=r"missing \['crop', 'mean'\], unknown \['std', 'size'\]"):
        Preprocessing.from_dict(entries | {"std": 1, "size": 2})
    with pytest.raises(InputError, match=r"unknown \['std'\]"):
        Preprocessing.from_dict(SETTINGS | {"std": 1})


@pytest.mark.parametrize("wrong", [
    {"resize": 226}, {"resize": "256"}, {"resize": 256.0}, {"crop": 0}, {"crop": True},
    {"resample": "nearest"},
    {"resample": ["bicubic"]}, {"channels": "GBR"}, {"mean": (1, 2)}, {"mean": 5}, {"mean": (1, 2, "3")},
    {"mean": (1, 2, True)},
    {"mean": (1, 2, float("nan"))}, {"scale": 0}, {"scale": None}, {"scale": float("inf")},
])
def test_a_wrong_setting_is_refused_by_name(wrong):
    name = "crop" if wrong == {"resize": 226} else next(iter(wrong))
    with pytest.raises(InputError, match=f"preprocessing: {name} is .*, it must be"):
        Preprocessing(**SETTINGS | wrong)


# --- what a file holds besides its pixels ---


def chunk(kind, body, checksum=0):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body) ^ checksum)


def png(depth, colour, row, transparent, width, between=b""):
    head = struct.pack(">IIBBBBB", width, 1, depth, colour, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"tRNS", transparent) + between
            + chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b""))


@pytest.mark.parametrize("depth, row, transparent, want", [
    (1, [0b10000000], 1, [255, 0]), (1, [0b10000000], 0, [255, 255]), (2, [0b01100000], 1, [255, 170]),
    (2, [0b01110000], 3, [85, 255]), (4, [0x37], 3, [255, 119]), (4, [0x37], 7, [51, 255]),
    (8, [7, 9], 7, [255, 9]), (8, [7, 9], 8, [7, 9]),
    (16, [0x0A, 1, 0x0A, 2], 0x0A02, [10, 255]), (16, [0x0A, 1, 0x0A, 2], 0x0A03, [10, 10])])
def test_a_transparent_grey_at_every_depth(tmp_path, depth, row, transparent, want):
    (tmp_path / "a.png").write_bytes(png(depth, 0, bytes(row), struct.pack(">H", transparent), 2))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.repeat([[want]], 3, axis=0).transpose(1, 2, 0))


@pytest.mark.parametrize("depth, transparent, want", [
    (16, (0x0A00, 0x1400, 0x1E00), [(255, 255, 255), (10, 20, 30), (0, 0, 0)]),
    (16, (0x0A00, 0x1400, 0x1E01), [(10, 20, 30), (255, 255, 255), (0, 0, 0)]),
    (16, (0x0A00, 0x1400, 0x1E02), [(10, 20, 30), (10, 20, 30), (0, 0, 0)]),
    (8, (10, 20, 30), [(255, 255, 255), (10, 20, 31), (0, 0, 0)])])
def test_a_transparent_colour_is_compared_in_full_depth(tmp_path, depth, transparent, want):
    pixels = [(0x0A00, 0x1400, 0x1E00), (0x0A00, 0x1400, 0x1E01), (0, 0, 0)]
    row = (struct.pack(">9H", *sum(pixels, ())) if depth == 16 else bytes([10, 20, 30, 10, 20, 31, 0, 0, 0]))
    (tmp_path / "a.png").write_bytes(png(depth, 2, row, struct.pack(">3H", *transparent), 3))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), [want])


def bmp(rgb, alpha):
    """A 32-bit BMP with channel masks, as Photoshop and the Windows clipboard write it."""
    height, width, _ = rgb.shape
    pixels = np.dstack([rgb[..., ::-1], np.broadcast_to(np.uint8(alpha), rgb.shape[:2])])[::-1].tobytes()
    head = struct.pack("<IiiHHIIiiII4I", 108, width, height, 1, 32, 3, len(pixels), 2835, 2835, 0, 0,
                       0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    return b"BM" + struct.pack("<IHHI", 122 + len(pixels), 0, 0, 122) + head.ljust(108, b"\0") + pixels


def test_an_alpha_channel_of_a_bmp_that_is_0_everywhere_was_never_meant(tmp_path):
    rgb = picture(5, 7)
    (tmp_path / "a.bmp").write_bytes(bmp(rgb, 0))
    np.testing.assert_array_equal(read_image(tmp_path / "a.bmp"), rgb)
    alpha = np.zeros((5, 7))
    alpha[2, 3] = 255
    (tmp_path / "b.bmp").write_bytes(bmp(rgb, alpha))
    expected = np.full_like(rgb, 255)
    expected[2, 3] = rgb[2, 3]
    np.testing.assert_array_equal(read_image(tmp_path / "b.bmp"), expected)


def odd_metadata():
    """{name: (a good picture in a file with a bad block, what stands in the good file)}."""
    image = Image.fromarray(picture(47, 31))
    plain = {kind: encode(image, kind) for kind in ("PNG", "JPEG", "WEBP")}
    at = plain["PNG"].index(b"IDAT") - 4

    def in_png(*chunks):
        return plain["PNG"][:at] + b"".join(chunks) + plain["PNG"][at:], plain["PNG"]

    def in_jpeg(marker, body):
        return plain["JPEG"][:2] + struct.pack(">BBH", 255, marker, len(body) + 2) + body + plain["JPEG"][2:], plain["JPEG"]

    text = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b" " * (2 << 20))
    return {
        "PNG eXIf": in_png(chunk(b"eXIf", b"Exif\0\0garbage")), "PNG long text": in_png(chunk(b"iTXt", text)),
        "PNG text with a wrong checksum": in_png(chunk(b"tEXt", b"a\0b", 1)), "PNG cut zTXt": in_png(chunk(b"zTXt", b"a")),
        "PNG iCCP": in_png(chunk(b"iCCP", b"x\0\0garbage")), "PNG gAMA cut": in_png(chunk(b"gAMA", b"\0")),
        "PNG pHYs cut": in_png(chunk(b"pHYs", b"\0")),
        "JPEG EXIF": in_jpeg(0xE1, b"Exif\0\0garbage"), "JPEG EXIF cut": in_jpeg(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\0\x09\x01"),
        "JPEG ICC": in_jpeg(0xE2, b"ICC_PROFILE\0\x09\x01x"), "JPEG MPF": in_jpeg(0xE2, b"MPF\0garbage"),
        "JPEG Photoshop": in_jpeg(0xED, b"Photoshop 3.0\x008BIM\x04"),
        "WebP EXIF": (encode(image, "WEBP", exif=b"garbage"), plain["WEBP"]),
    }


@pytest.mark.parametrize("name", odd_metadata())
@pytest.mark.filterwarnings("ignore")
def test_damage_outside_the_pixels_costs_none(tmp_path, name):
    odd, good = odd_metadata()[name]
    (tmp_path / "odd").write_bytes(odd)
    (tmp_path / "good").write_bytes(good)
    np.testing.assert_array_equal(read_image(tmp_path / "odd"), read_image(tmp_path / "good"))
    assert is_image(tmp_path / "odd")


def test_a_warning_of_damaged_metadata_names_the_file(tmp_path):
    (tmp_path / "odd.png").write_bytes(odd_metadata()["PNG eXIf"][0])
    with pytest.warns(UserWarning, match="odd.png: its metadata are damaged .* and left out"):
        read_image(tmp_path / "odd.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_named_and_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(InputError, match="pipe.jpg: is a named pipe"):
        read_image(tmp_path / "pipe.jpg")
    assert not is_image(tmp_path / "pipe.jpg")


def test_too_little_memory_is_said_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(WHOLE["PNG"])

    def no_memory(self):
        raise MemoryError

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", no_memory)
    with pytest.raises(InputError, match="a.png: needs more memory than there is; save a smaller copy"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("size, resized", [((300, 200), (384, 256)), ((301, 200), (385, 256)), ((200, 333), (256, 426))])
def test_the_long_side_is_rounded_not_cut(size, resized):
    """385.28 and 426.24 are cut and rounded alike; 384.6 is not."""
    width, height = size
    assert (round(width * 256 / min(size)), round(height * 256 / min(size))) == resized
    prep, seen = Preprocessing(256, 1, "bilinear", "RGB", (0, 0, 0), 1.0), []
    resize = Image.Image.resize
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Image.Image, "resize", lambda self, size, *rest: seen.append(tuple(size)) or resize(self, size, *rest))
        prep(np.zeros((height, width, 3), np.uint8))
        prep(np.zeros((1000, 1499, 3), np.uint8))           # 383.744 pixels
    assert seen == [resized, (384, 256)]


def test_an_orientation_that_can_be_read_is_applied_though_other_exif_is_damaged(tmp_path):
    """Two entries are promised; the second, which would tell the camera, points behind the end."""
    image = Image.fromarray(picture(16, 24))
    entries = struct.pack(">HHHIHH", 2, 0x0112, 3, 1, 6, 0) + struct.pack(">HHII", 0x0110, 2, 500, 4000)
    body = b"Exif\0\0MM\0*\0\0\0\x08" + entries
    whole = encode(image, "JPEG", quality=95)
    (tmp_path / "a.jpg").write_bytes(whole[:2] + struct.pack(">BBH", 255, 0xE1, len(body) + 2) + body + whole[2:])
    (tmp_path / "b.jpg").write_bytes(whole)
    with pytest.warns(UserWarning, match="a.jpg: a part of its EXIF is damaged"):
        got = read_image(tmp_path / "a.jpg")
    np.testing.assert_array_equal(got, np.rot90(read_image(tmp_path / "b.jpg"), -1))
