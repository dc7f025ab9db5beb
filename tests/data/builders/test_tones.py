import hashlib

import numpy as np
import pytest

from kzoo.data.builders.tones import HARMONICS, NOTES, RATE, SAMPLES, tones
from kzoo.data.loader import load


def test_the_label_is_the_strongest_note():
    """The strongest frequency below 1020 Hz is within half a semitone of the labeled note, in any octave."""
    x, y = tones()["test"]
    spectrum = abs(np.fft.rfft(x[:300, :, 0], 4 * SAMPLES))
    hertz = np.fft.rfftfreq(4 * SAMPLES, 1 / RATE)
    pitch = hertz[abs(spectrum[:, : np.searchsorted(hertz, 1020)]).argmax(axis=1)]
    semitones = 9 + 12 * np.log2(pitch / 440)
    right = abs((semitones - y[:300] + 6) % 12 - 6) < 0.5
    assert right.mean() > 0.9  # where an overtone is not the loudest
    assert abs((semitones - np.roll(y[:300], 1) + 6) % 12 - 6).min() < 0.5 < HARMONICS


def test_phases_are_random():
    """Single samples carry no information: their mean is 0 for each note."""
    x, y = tones()["train"]
    means = np.stack([x[y == note].mean(axis=0) for note in range(len(NOTES))])
    assert abs(means).max() < 5 * x.std() / np.sqrt(np.bincount(y).min())
    assert abs(np.bincount(y) - len(y) / len(NOTES)).max() < 60


def test_the_data_never_change_and_splits_differ():
    made = tones()
    labels = np.concatenate([y for _, y in made.values()]).astype("uint8")
    assert hashlib.sha256(labels.tobytes()).hexdigest().startswith("8375df80")
    np.testing.assert_allclose(made["train"][0][0, :3, 0], [-0.896488, -1.196085, -0.499745], rtol=1e-4)
    np.testing.assert_array_equal(tones()["test"][0], made["test"][0])
    assert not np.array_equal(made["train"][0][0], made["test"][0][0])


@pytest.mark.large
def test_the_builder_keeps_values_and_order():
    data, made = load("tones"), tones()
    for split, examples in {"train": data.train, "test": data.test}.items():
        x, y = examples.numpy()
        np.testing.assert_array_equal(x, made[split][0])
        np.testing.assert_array_equal(y, made[split][1])
    assert (data.train.size, data.test.size, data.classes, data.input_shape) == (4000, 1000, 12, (2000, 1))
    assert data.class_names == NOTES and x.dtype == np.float32
