"""``tinynet transfer`` and ``predict`` on recorded words."""
import io
import json
import wave

import numpy as np
import pytest

from tinynet.cli import main


def recording(seed, rising):
    """Half a second of a tone that rises or falls, in noise."""
    rng, t = np.random.default_rng(seed), np.arange(8000) / 16000
    low, high = rng.uniform(300, 500), rng.uniform(2000, 3000)
    hz = low + (high - low) * (t if rising else t[::-1]) * 2
    samples = 6000 * np.sin(2 * np.pi * np.cumsum(hz) / 16000) + 60 * rng.normal(size=8000)
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 16000, 0, "NONE", ""))
        sound.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


@pytest.fixture
def words(tmp_path):
    for rising, name in enumerate(("falling", "rising")):
        (tmp_path / "words" / name).mkdir(parents=True)
        for i in range(8):
            (tmp_path / "words" / name / f"{i}.wav").write_bytes(recording(10 * rising + i, rising))
    return tmp_path / "words"


def test_a_network_learns_words_and_names_new_ones(words, tmp_path, capsys):
    assert main(["transfer", "--data", str(words), "--out", str(tmp_path / "run"), "--epochs", "30"]) == 0
    assert "<img" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    new = tmp_path / "new"
    new.mkdir()
    for i in range(4):
        (new / f"{i}.wav").write_bytes(recording(90 + i, i % 2))
    capsys.readouterr()
    assert main(["predict", str(tmp_path / "run"), str(new), "--json"]) == 0
    found = [one["top"][0]["name"] for one in json.loads(capsys.readouterr().out)]
    assert found == ["falling", "rising"] * 2
    (new / "0.wav").write_bytes(recording(90, 0)[:999])
    assert main(["predict", str(tmp_path / "run"), str(new)]) == 2
    said = capsys.readouterr()
    assert said.out.count("rising") == 3 and "0.wav: is cut short" in said.err and said.err.count("\n") == 1
