"""Images and sounds through one door: a folder of WAV files is a dataset, a mixed one is refused by name."""
import hashlib
import io
import wave

import numpy as np
import pytest
from PIL import Image

from tinynet import InputError
from tinynet.data import ImageFolder, read_image, read_picture
from tinynet.data.logmel import picture
from tinynet.data.picture import is_picture


def word(seed, hz):
    """A WAV file of half a second."""
    rng, t = np.random.default_rng(seed), np.arange(8000) / 16000
    whole = (8000 * np.sin(2 * np.pi * hz * t) + 500 * rng.normal(size=8000)).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 16000, 0, "NONE", ""))
        sound.writeframes(whole.tobytes())
    return file.getvalue(), whole / 32768


@pytest.fixture
def words(tmp_path):
    """Two classes of four sounds."""
    for c, name in enumerate(("hey", "other")):
        (tmp_path / "words" / name).mkdir(parents=True)
        for i in range(4):
            (tmp_path / "words" / name / f"{i}.wav").write_bytes(word(10 * c + i, (400, 1500)[c])[0])
    (tmp_path / "words" / "SOURCE.txt").write_text("not a sound")
    return tmp_path / "words"


def test_a_folder_of_sounds_is_a_dataset_of_spectrograms(words):
    data = ImageFolder(words)
    assert data.classes == ["hey", "other"] and len(data) == 8 and data.title(1) == "hey/1.wav"
    for i in (0, 5):
        content, samples = word((0, 11)[i > 3], (400, 1500)[i > 3])
        np.testing.assert_array_equal(data.image(i), picture(samples.astype(np.float32)))
        assert data.key(i) == hashlib.sha256(content).hexdigest()


def test_sounds_and_images_mixed_are_refused_by_name(words):
    for name in "abc":
        pixels = np.random.default_rng(ord(name)).integers(0, 255, (9, 9, 3), np.uint8)
        Image.fromarray(pixels).save(words / "other" / f"{name}.png")
    with pytest.raises(InputError, match=r"hey.0.wav: is a sound, but .*other.a.png is an image .8 of 11"):
        ImageFolder(words)


@pytest.mark.parametrize("content, reason", [
    (word(0, 300)[0][:5000], "is cut short"), (word(0, 300)[0][:44 + 2 * 300], "is cut short"),
    (b"RIFF\0\0\0\0WAVEfmt ", "is no WAV file"), (b"\xff\xfb\x90\0" * 99, "a sound to WAV"), (b"", "is empty")])
def test_a_bad_sound_is_named_or_skipped(words, content, reason):
    (words / "hey" / "bad.wav").write_bytes(content)
    with pytest.raises(InputError, match=f"bad.wav: .*{reason}"):
        ImageFolder(words)
    assert [path.name for path, _ in ImageFolder(words, skip_bad=True).skipped] == ["bad.wav"]


def test_a_sound_beside_the_classes_is_misplaced(words):
    (words / "stray.wav").write_bytes(word(9, 800)[0])
    with pytest.raises(InputError, match="stray.wav: is in no class folder"):
        ImageFolder(words)


def test_a_silent_sound_is_said_to_be_empty(words):
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 16000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    (words / "hey" / "silent.wav").write_bytes(file.getvalue())
    with pytest.warns(UserWarning, match="silent.wav: is all one colour"):
        ImageFolder(words)


def test_read_picture_reads_both(words, tmp_path):
    assert read_picture(words / "hey" / "0.wav").shape == (128, 128, 3)
    Image.fromarray(np.full((7, 5, 3), 9, np.uint8)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), read_image(tmp_path / "a.png"))
    assert is_picture(tmp_path / "a.png") and is_picture(words / "hey" / "0.wav") and not is_picture(words / "SOURCE.txt")
    with pytest.raises(InputError, match="gone.wav: cannot be read"):
        read_picture(words / "gone.wav")
    with pytest.raises(InputError, match="0.wav: is not a JPEG"):
        read_image(words / "hey" / "0.wav")
