"""Log-mel spectrograms: equal to SciPy's and to formulas written another way; and the picture of a sound."""
import numpy as np
import pytest

from tinynet import InputError
from tinynet.data import logmel
from tinynet.data.logmel import frames, hz_to_mel, log_mel, loudest, mel_filters, mel_to_hz, picture, stft


@pytest.fixture
def sound(rng):
    """0.6 s of noise over two tones."""
    t = np.arange(9607) / 16000
    return 0.1 * rng.normal(size=9607) + 0.3 * np.sin(2 * np.pi * 500 * t) + 0.1 * np.sin(2 * np.pi * 3000 * t)


def reference(sound):
    """SciPy's spectrum of each frame, (T, B)."""
    signal = pytest.importorskip("scipy.signal")
    _, _, found = signal.spectrogram(sound, window=("hann"), nperseg=400, noverlap=240, nfft=512, detrend=False,
                                     scaling="spectrum", mode="complex")
    return found.T * signal.get_window("hann", 400).sum()   # SciPy divides by it


def triangle(hz, low, peak, high):
    return np.interp(hz, [low, peak, high], [0, 1, 0])


def filters(n_mels):
    """The mel bands by another formula, one after the other."""
    mel = np.linspace(1127.0104 * np.log(1 + 125 / 700), 1127.0104 * np.log(1 + 7500 / 700), n_mels + 2)
    edges = 700 * (np.exp(mel / 1127.0104) - 1)
    return np.array([triangle(np.linspace(0, 8000, 257), *edges[m:m + 3]) for m in range(n_mels)])


def test_frames_overlap_and_drop_the_end():
    pieces = frames(np.arange(19), 7, 5)
    assert pieces.tolist() == [list(range(start, start + 7)) for start in (0, 5, 10)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_stft_equals_scipy(sound, dtype):
    found, wanted = stft(sound.astype(dtype)), reference(sound)
    assert found.shape == (58, 257) == wanted.shape and found.real.dtype == dtype
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max() if dtype == np.float32 else 1e-10)


@pytest.mark.parametrize("n_mels", [40, 64])
def test_mel_filters_equal_triangles_drawn_one_by_one(n_mels):
    found = mel_filters(n_mels)
    np.testing.assert_allclose(found, filters(n_mels), atol=1e-5)
    assert (found.max(axis=1) > 0.3).all() and (found >= 0).all()       # none falls between two frequencies


def test_mel_is_the_scale_of_the_textbooks():
    assert hz_to_mel(1000) == pytest.approx(1000, abs=0.1) and hz_to_mel(0) == 0
    np.testing.assert_allclose(mel_to_hz(hz_to_mel([60, 440, 7999])), [60, 440, 7999])


@pytest.mark.parametrize("n_mels", [40, 64])
def test_log_mel_equals_scipy(sound, n_mels):
    found = log_mel(sound, n_mels)
    wanted = 10 * np.log10(filters(n_mels) @ (np.abs(reference(sound)) ** 2).T)
    assert found.shape == (n_mels, 58)
    np.testing.assert_allclose(found, wanted, atol=1e-4)                # decibels: a part in 10⁵ of the power
    np.testing.assert_allclose(10 ** (found / 10), 10 ** (wanted / 10), rtol=1e-5)
    np.testing.assert_allclose(log_mel(sound.astype(np.float32), n_mels), wanted, atol=2e-3)


def test_a_real_word_equals_scipy(shared):
    from tinynet.data import read_wav
    samples, _ = read_wav(shared / "data/speech_commands/yes/d5b963aa_nohash_0.wav")
    wanted = 10 * np.log10(np.maximum(filters(64) @ (np.abs(reference(samples.astype(np.float64))) ** 2).T, 1e-10))
    np.testing.assert_allclose(log_mel(samples.astype(np.float64)), wanted, atol=1e-4)


def test_silence_has_a_floor():
    assert (log_mel(np.zeros(1000)) == -100).all()


def test_a_tone_is_loudest_in_its_band():
    for hz in (250, 1000, 4000):
        band = log_mel(np.sin(2 * np.pi * hz * np.arange(8000) / 16000)).mean(axis=1).argmax()
        width = np.diff(hz_to_mel([125, 7500]))[0] / 65
        assert abs((hz_to_mel(hz) - hz_to_mel(125)) / width - 1 - band) < 0.6


@pytest.mark.parametrize("samples", [np.zeros(399), np.zeros((2, 500)), np.zeros(0)])
def test_too_little_sound_is_refused(samples):
    with pytest.raises(InputError, match="give at least 400 samples"):
        log_mel(samples)


def test_whole_numbers_are_refused():
    with pytest.raises(InputError, match="stft: the samples are int16"):
        log_mel(np.ones(500, np.int16))


# --- the picture ---

def test_the_loudest_part_is_found_as_by_trying_all(rng):
    sound = rng.normal(size=50) * np.repeat([1, 3, 1, 2, 1], 10)
    best = max(range(50 - 13 + 1), key=lambda start: (sound[start:start + 13] ** 2).sum())
    assert (loudest(sound, 13) == sound[best:best + 13]).all()
    assert loudest(np.ones(4), 7).tolist() == [0, 1, 1, 1, 1, 0, 0]     # in the middle of silence
    assert (loudest(sound, 50) == sound).all()


def test_picture_of_a_rising_tone_rises():
    t = np.arange(16000) / 16000
    rgb = picture(0.2 * np.sin(2 * np.pi * (300 * t + 1500 * t ** 2)))          # 300 to 3300 Hz
    assert rgb.shape == (128, 128, 3) and rgb.dtype == np.uint8 and (rgb == rgb[:, :, :1]).all()
    rows = rgb[:, [10, 60, 120], 0].argmax(axis=0)
    assert rows[0] > rows[1] + 10 > rows[2] + 20 and rgb.max() > 240


def test_picture_does_not_depend_on_loudness(sound):
    assert np.abs(picture(sound).astype(int) - picture(0.01 * sound)).max() <= 1


def test_picture_of_silence_is_black_and_of_a_short_sound_black_at_both_ends(sound):
    assert not picture(np.zeros(16000, np.float32)).any()
    rgb = picture(sound)                                                        # 0.6 of a second
    assert not rgb[:, :20].any() and not rgb[:, -20:].any() and rgb[:, 30:-30].all(axis=2).mean() > 0.9


def test_picture_at_another_rate_is_nearly_the_same():
    pytest.importorskip("scipy")
    tone = np.sin(2 * np.pi * 700 * np.arange(24000) / 24000) * np.hanning(24000)
    here = picture(tone[::3], 8000)[:, 30:-30].astype(int)
    assert np.abs(here - picture(tone, 24000)[:, 30:-30]).mean() < 12


def test_a_long_recording_is_no_clip_of_a_word():
    with pytest.raises(InputError, match="lasts 61 s.*cut it into clips"):
        picture(np.zeros(61 * 16000), 16000)
    assert logmel.MAX_SECONDS == 10
