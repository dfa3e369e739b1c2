"""WAV files of every width, what is refused of them, and resampling."""
import builtins
import io
import struct
import wave

import numpy as np
import pytest

from tinynet import InputError
from tinynet.data.audio import decode_wav, is_wav, read_wav, resample


def wav(whole, width=2, rate=16000):
    """A file of integers (n, channels), by the standard library."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(whole.shape[1])
        sound.setsampwidth(width)
        sound.setframerate(rate)
        signed = whole + 128 if width == 1 else whole
        sound.writeframes(b"".join(int(v).to_bytes(width, "little", signed=width > 1) for v in signed.ravel()))
    return file.getvalue()


def header(code=1, channels=1, rate=16000, bits=16, data=b"\0\0" * 8, size=None):
    """A file by hand, with anything in its header."""
    form = struct.pack("<HHIIHH", code, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_every_width_and_number_of_channels(width, channels, tmp_path, rng):
    top = 2 ** (8 * width - 1)
    whole = rng.integers(-top, top, (101, channels))
    whole[:3] = np.array([[-top], [top - 1], [0]])          # the ends of the range, and silence
    (tmp_path / "a.wav").write_bytes(wav(whole, width, 11025))
    samples, rate = read_wav(tmp_path / "a.wav")
    assert rate == 11025 and samples.dtype == np.float32 and samples.shape == (101,)
    np.testing.assert_allclose(samples, (whole / top).mean(axis=1), atol=2e-7)
    assert samples[0] == -1 and samples[2] == 0


def test_against_scipy(shared):
    wavfile = pytest.importorskip("scipy.io.wavfile")
    for path in ("speech_commands/yes/d5b963aa_nohash_0.wav", "fsdd/7/theo_12.wav"):
        rate, whole = wavfile.read(shared / "data" / path)
        samples, found = read_wav(shared / "data" / path)
        assert found == rate and (samples == whole / np.float32(32768)).all()


@pytest.mark.parametrize("data, words", [
    (header(code=3, bits=32, data=b"\0" * 32), "format 3 .floating point.; convert"),
    (header(code=7, bits=8), "format 7 .mu-law."), (header(code=2, bits=4), "format 2 .ADPCM."),
    (header(code=4711), "format 4711 .another coding."),
    (header(data=b""), "holds no sound"),
    (header(size=400), "is cut short"), (header()[:-3], "is cut short"),
    (header(size=2 ** 32 - 1), "is cut short|is no WAV"),
    (header(channels=0), "header is damaged"), (header(bits=64, data=bytes(64)), "64 bits a sample|header is damaged"),
    (header(rate=0), "0 samples a second"), (header(rate=10 ** 6), "1000000 samples a second"),
    (header()[:30], "is no WAV file"), (header()[:12], "is no WAV file"), (b"RIFF", "is no WAV file"), (b"", "is no WAV file"),
    (b"\xff\xfb\x90\0" * 99, "is no WAV file")])
def test_what_is_refused_in_one_line(data, words, tmp_path):
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(InputError, match=f"a.wav: .*({words})") as error:
        read_wav(tmp_path / "a.wav")
    assert "\n" not in str(error.value) and ";" in str(error.value)


def test_a_real_file_cut_anywhere_is_refused(shared):
    whole = (shared / "data/speech_commands/yes/d5b963aa_nohash_0.wav").read_bytes()
    for n in (1, 11, 20, 43, 44, 45, 1000, len(whole) - 1):
        with pytest.raises(InputError):
            decode_wav(io.BytesIO(whole[:n]))


def test_damage_anywhere_in_the_header_is_never_another_error(rng):
    good = wav(rng.integers(-999, 999, (50, 2)))
    for at in range(44):
        for value in (0, 1, 127, 255):
            try:
                samples, rate = decode_wav(io.BytesIO(good[:at] + bytes([value]) + good[at + 1:]))
                assert samples.ndim == 1 and len(samples) and np.abs(samples).max() <= 1
            except InputError:
                pass


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(InputError, match="cannot be read .No such file"):
        read_wav(tmp_path / "gone.wav")
    with pytest.raises(InputError, match="is a folder"):
        read_wav(tmp_path)


def test_which_files_are_sounds(tmp_path):
    for name, content, answer in (("a", wav(np.zeros((9, 1), int)), True), ("b", b"RIFF\0\0\0\0WEBPVP8 ", False),
                                  ("c", b"RIFF", False), ("d", b"", False)):
        (tmp_path / name).write_bytes(content)
        assert is_wav(tmp_path / name) == answer
    assert not is_wav(tmp_path / "gone") and not is_wav(tmp_path)


# --- resampling ---

@pytest.mark.parametrize("rate, new_rate", [(8000, 16000), (44100, 16000), (48000, 16000), (16000, 11025)])
def test_a_tone_keeps_its_pitch_and_what_does_not_fit_is_filtered_out(rate, new_rate):
    pytest.importorskip("scipy")
    n, half = 2 * rate, min(rate, new_rate) / 2
    tone = np.sin(2 * np.pi * 440 * np.arange(n) / rate)
    found = resample(tone, rate, new_rate)
    assert found.dtype == np.float32 and len(found) == 2 * new_rate
    wanted = np.sin(2 * np.pi * 440 * np.arange(2 * new_rate) / new_rate)
    middle = slice(new_rate // 2, -new_rate // 2)
    np.testing.assert_allclose(found[middle], wanted[middle], atol=2e-3)
    if new_rate < rate:
        high = resample(np.sin(2 * np.pi * (half * 1.3) * np.arange(n) / rate), rate, new_rate)
        assert np.abs(high[middle]).max() < 0.01            # and not a tone at 0.7 of it


def test_the_same_rate_changes_nothing(rng):
    samples = rng.normal(size=99).astype(np.float32)
    assert (resample(samples, 16000, 16000) == samples).all()


def test_without_scipy_one_line_says_what_to_install(monkeypatch):
    there = builtins.__import__

    def absent(name, *arguments):
        if name.startswith("scipy"):
            raise ImportError(name)
        return there(name, *arguments)
    monkeypatch.setattr(builtins, "__import__", absent)
    assert len(resample(np.zeros(9), 16000, 16000)) == 9
    with pytest.raises(InputError, match="8000 samples a second.*pip install scipy"):
        resample(np.zeros(9), 8000, 16000)
