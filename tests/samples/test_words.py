"""SynthesisedWords: the same sounds every time, made as they say, and like recorded ones in what lesson 18 claims."""
import numpy as np
import pytest

from tinynet import InputError, Tensor, no_grad, ops
from tinynet.compute import ordered_map, parallel
from tinynet.data import batches, log_mel, read_wav, resample
from tinynet.data.logmel import RATE, loudest, picture
from tinynet.layers import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential
from tinynet.models import squeezenet1_1
from tinynet.models.squeezenet import PREPROCESSING
from tinynet.optim import Adam
from tinynet.samples import SynthesisedWords
from tinynet.samples.drawing.voice import FORMANTS, HISS, SOUNDS, Speaker, say, speaker
from tinynet.samples.words import VOCABULARY

COMMANDS = ["yes", "no", "up", "down", "stop", "go"]
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
NEW = ["misty", "mister", "missing", "dusty", "twenty", "music", "mouse"]       # what the network of speech never hears
KNOWN = [word for word in list(VOCABULARY)[:36] if word not in NEW]
MAN = Speaker(pitch=120, tract=1, speed=1, breath=0.02, tilt=0, noise=0.01, accent=dict.fromkeys(SOUNDS, np.ones(4)))


def test_what_it_says_of_itself():
    data = SynthesisedWords(["misty", "no"], n_per_word=3, n_speakers=2)
    assert data.name == "synthesised-words" and data.classes == ["misty", "no"] and len(data) == 6
    assert data.labels.dtype == np.int64 and data.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.speakers.tolist() == [0, 1, 0, 0, 1, 0]
    assert [data.title(i) for i in (0, 4)] == ["misty 00 by 0", "no 01 by 1"]
    assert len(SynthesisedWords()) == 20 * len(VOCABULARY)


def test_an_utterance_depends_on_seed_word_number_and_speaker_alone():
    few, many = SynthesisedWords(["no", "misty"], 3, 5), SynthesisedWords(["misty", "up"], 7, 5)
    for number in range(3):
        samples = few.samples(3 + number)
        assert samples.dtype == np.float32 and samples.shape == (RATE,) and 0.02 < np.abs(samples).max() < 1
        np.testing.assert_array_equal(samples, many.samples(number))
        np.testing.assert_array_equal(few.image(3 + number), picture(samples))
        assert few.key(3 + number) == many.key(number)
    others = [SynthesisedWords(["misty"], 3, 5, seed=1), SynthesisedWords(["misty"], 3, 2)]     # 2: by another speaker
    for other in others:
        assert (other.samples(2) != many.samples(2)).mean() > 0.9 and other.key(2) != many.key(2)


def test_every_word_can_be_said_and_all_are_different():
    data = SynthesisedWords(n_per_word=2)
    sounds = [data.samples(i) for i in range(len(data))]
    assert all(np.isfinite(sound).all() for sound in sounds)
    assert len({sound.tobytes() for sound in sounds}) == len({data.key(i) for i in range(len(data))}) == len(data)


@pytest.mark.parametrize("arguments, words", [
    ({"words": ["misty", "meow"]}, r"\['meow'\] cannot be said"), ({"words": ["no", "no"]}, "different words"),
    ({"words": []}, "different words"), ({"words": "no"}, "cannot be said"),
    ({"n_per_word": 0}, "n_per_word is 0"), ({"n_speakers": 2.5}, "n_speakers is 2.5"), ({"seed": -1}, "seed is -1")])
def test_bad_arguments(arguments, words):
    with pytest.raises(InputError, match=words) as caught:
        SynthesisedWords(**arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("method", ["samples", "image", "key", "title"])
@pytest.mark.parametrize("i", [-1, 6])
def test_there_is_no_such_utterance(method, i):
    with pytest.raises(InputError, match=f"no image {i}; they are numbered 0 to 5"):
        getattr(SynthesisedWords(["no", "up"], 3), method)(i)


# --- the voice ---

def spectrum(samples):
    """Power at each Hz, (8000,), smoothed over the distance of two harmonics."""
    power = np.abs(np.fft.rfft(samples, RATE)) ** 2
    return np.convolve(power, np.hanning(2 * 130), "same")


@pytest.mark.parametrize("vowel", ["iy", "eh", "aa", "uw", "er"])
def test_a_vowel_resonates_where_it_should(vowel):
    """The two lowest peaks of the spectrum, with its fall taken off, lie at the formants."""
    found = 10 * np.log10(spectrum(say([vowel], MAN, np.random.default_rng(0)))[:4000]) + 12 * np.log2(np.arange(4000) + 200)
    peaks = [hz for hz in range(150, 3900) if found[hz] == found[hz - 130:hz + 131].max()]
    for formant in FORMANTS[vowel][:2]:
        assert min(abs(peak - formant) for peak in peaks) < 0.12 * formant + 50, (peaks, FORMANTS[vowel])


def test_a_shorter_throat_and_a_higher_pitch():
    child = Speaker(**{**vars(MAN), "tract": 1.25, "pitch": 250})
    low, high = (spectrum(say(["eh"], who, np.random.default_rng(0))) for who in (MAN, child))
    assert low[:1000].argmax() * 1.1 < high[:1000].argmax()
    for who in (MAN, child):                                # the distance of the harmonics is the pitch
        power = np.abs(np.fft.rfft(say(["aa"], who, np.random.default_rng(1)), RATE)) ** 2
        cepstrum = np.fft.irfft(np.log(power + 1e-3))
        period = RATE / who.pitch                           # samples; twice of it is a peak too
        assert cepstrum[int(0.85 * period):int(1.15 * period)].max() > 0.7 * cepstrum[50:200].max()


@pytest.mark.parametrize("sound", ["s", "sh", "f"])
def test_what_hisses_hisses_high(sound):
    power = spectrum(say([sound, "aa"], MAN, np.random.default_rng(0))[:2000])
    assert abs((power * np.arange(len(power))).sum() / power.sum() - HISS[sound][0]) < 1500


def test_speakers_differ_and_utterances_too():
    rng = np.random.default_rng(0)
    people = [speaker(rng) for _ in range(200)]
    pitches, tracts = np.array([[who.pitch, who.tract] for who in people]).T
    assert 70 < pitches.min() < 110 < 220 < pitches.max() < 400 and np.corrcoef(pitches, tracts)[0, 1] > 0.5
    one, two = (say(["n", "ow"], people[0], rng) for _ in range(2))
    assert len(one) != len(two) or (one != two).any()


# --- like the real thing ---

def inputs(samples):
    """Log-mel of the loudest second, 40 bands of 49 times, in [-1, 1]."""
    x = log_mel(loudest(samples), 40).reshape(40, 49, 2).mean(axis=2)
    return np.maximum((x - x.max() + 60) / 30, 0) - 1


def prepared(data, rows=None, pictures=False):
    """The inputs (N, 1, 40, 49) or the pictures' ImageNet features (N, 512) of utterances or recordings."""
    rows = range(len(data)) if rows is None else rows
    if pictures:
        small = PREPROCESSING.with_size(128, 127)
        x = np.stack(list(ordered_map(lambda i: small(data.image(i)), rows)))
        return parallel.run(squeezenet1_1().eval()[:"drop9"], x).mean(axis=(2, 3))

    def one(i):
        if isinstance(data, SynthesisedWords):
            return inputs(data.samples(i))
        samples, rate = read_wav(data.paths[i])
        return inputs(resample(samples, rate, RATE))
    return np.stack(list(ordered_map(one, rows))).astype(np.float32)[:, None]


def right(x, labels, train, test):
    """Accuracy of a softmax classifier."""
    linear = pytest.importorskip("sklearn.linear_model")
    x = x.reshape(len(x), -1)
    x = (x - x[train].mean(axis=0)) / (x[train].std(axis=0) + 1e-6)
    return linear.LogisticRegression(C=0.01, max_iter=300).fit(x[train], labels[train]).score(x[test], labels[test])


def trained(x, labels, epochs, seed=0):
    """A small network."""
    rng = np.random.default_rng(seed)
    net = Sequential(conv1=Conv2d(1, 16, 5, 2, rng=rng), relu1=ReLU(), pool1=MaxPool2d(2, 2), conv2=Conv2d(16, 32, 3, padding=1, rng=rng),
                     relu2=ReLU(), conv3=Conv2d(32, 48, 3, rng=rng), relu3=ReLU(), pool3=MaxPool2d((1, 9), (1, 9)), flatten=Flatten(),
                     head=Linear(48 * 7, labels.max() + 1, rng=rng))
    optimiser = Adam(net.parameters(), 0.003)
    for _ in range(epochs):
        for rows in batches(len(x), 32, rng):
            loss = ops.cross_entropy(net(Tensor(x[rows])), labels[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return net


@pytest.fixture(scope="module")
def speech():
    """A small network that has heard 29 synthesised words, by 40 speakers."""
    data = SynthesisedWords(KNOWN, 40, 40, seed=1)
    return trained(prepared(data), data.labels, 7)


def scores(net, x):
    with no_grad():
        return net(Tensor(x)).data


def test_a_network_learns_them_and_knows_them_by_others(speech):
    others = SynthesisedWords(KNOWN, 6, 6, seed=2)
    assert (scores(speech, prepared(others)).argmax(axis=1) == others.labels).mean() > 0.75


@pytest.mark.parametrize("name, words, least", [("speech_commands", COMMANDS, 0.38), ("fsdd", DIGITS, 0.25)])
def test_a_network_that_heard_only_synthesised_words_knows_real_ones(speech, shared, name, words, least):
    """Better than twice chance, 1/6 and 1/10."""
    pytest.importorskip("scipy")
    data = Recordings(shared / "data" / name, words if name == "speech_commands" else range(10))
    found = scores(speech, prepared(data))[:, [KNOWN.index(word) for word in words]]
    assert (found.argmax(axis=1) == data.labels).mean() > least


class Recordings:
    """A part of a folder: 24 files of each class."""

    def __init__(self, root, classes):
        files = [sorted((root / str(name)).glob("*.wav")) for name in classes]
        self.paths = [path for some in files for path in some[::len(some) // 24][:24]]
        self.labels = np.repeat(np.arange(len(files)), 24)
        self.speakers = np.array([path.name.split("_")[0] for path in self.paths])

    def __len__(self):
        return len(self.paths)

    def image(self, i):
        return picture(*read_wav(self.paths[i]))


def split(data, seed, by_speaker):
    """A third of the utterances, or of the speakers, for testing."""
    rng = np.random.default_rng(seed)
    if by_speaker:
        people = np.unique(data.speakers)
        test = np.isin(data.speakers, rng.permutation(people)[:len(people) // 3])
    else:
        test = rng.permutation(len(data)) < len(data) // 3
    return np.flatnonzero(~test), np.flatnonzero(test)


def mean_right(x, data):
    """Accuracy of a linear classifier with other speakers, mean of 3 splits."""
    return np.mean([right(x, data.labels, *split(data, seed, by_speaker=True)) for seed in range(3)])


def assert_other_speakers_are_harder(data):
    x, found = prepared(data), {}
    for by_speaker in (False, True):
        parts = [split(data, seed, by_speaker) for seed in range(2)]
        nets = [trained(x[train], data.labels[train], 14, seed) for seed, (train, _) in enumerate(parts)]
        found[by_speaker] = np.mean([(scores(net, x[test]).argmax(axis=1) == data.labels[test]).mean()
                                     for net, (_, test) in zip(nets, parts)])
    assert found[False] > found[True] + 0.05, found


def test_other_speakers_are_harder():
    assert_other_speakers_are_harder(SynthesisedWords(DIGITS, 24, 6, seed=3))


def test_other_speakers_are_harder_in_real_life(shared):
    pytest.importorskip("scipy")
    assert_other_speakers_are_harder(Recordings(shared / "data/fsdd", range(10)))


def test_what_speech_taught_helps_and_what_photos_taught_does_not(speech):
    data = SynthesisedWords(NEW, 24, 12, seed=4)
    heard, seen = scores(speech[:"head"], prepared(data)), prepared(data, pictures=True)
    found = mean_right(heard, data), mean_right(seen, data)
    assert found[0] > found[1] + 0.1


def test_and_so_in_real_life(speech, shared):
    data = Recordings(shared / "data/speech_commands", COMMANDS)
    heard, seen = scores(speech[:"head"], prepared(data)), prepared(data, pictures=True)
    found = mean_right(heard, data), mean_right(seen, data)
    assert found[0] > found[1] + 0.1
