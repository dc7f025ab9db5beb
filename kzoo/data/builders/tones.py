"""Tones: raw audio of a quarter of a second; the class is the note, whatever its octave, timbre, phase and loudness.

Source: notes of equal temperament, A4 = 440 Hz (ISO 16).
"""

import numpy as np
import tensorflow_datasets as tfds

RATE, SAMPLES = 8000, 2000  # Hz; samples per tone
NOTES = ("C", "C sharp", "D", "D sharp", "E", "F", "F sharp", "G", "G sharp", "A", "A sharp", "B")
OCTAVES = (3, 4, 5)  # from 131 to 988 Hz
HARMONICS = 5
SIZES = {"train": 4000, "test": 1000}


def tones():
    """Returns {"train": (x, y), "test": (x, y)}, the same at each call.

    Shapes: x (4000, 2000, 1) and (1000, 2000, 1) float32, y (4000,) and (1000,) integers 0..11, the notes from C to B.
    Units: 8,000 samples per second. The fundamental has an amplitude of 0.3 to 1; overtones are weaker, phases random.
    Noise has standard deviation 0.5. The pitch is off by up to a fifth of a semitone.

    >>> tones()["test"][0].shape
    (1000, 2000, 1)
    """
    return {split: _split(size, seed) for seed, (split, size) in enumerate(SIZES.items())}


def _split(size, seed):
    # RandomState, because NumPy guarantees that its numbers never change.
    rng = np.random.RandomState(seed)
    y = rng.randint(len(NOTES), size=size)
    semitones = y - NOTES.index("A") + 12 * (rng.choice(OCTAVES, size) - 4) + rng.uniform(-0.2, 0.2, size)
    pitch = 440 * 2 ** (semitones / 12)
    time = np.arange(SAMPLES, dtype="float32") / RATE
    x = rng.normal(0, 0.5, (size, SAMPLES)).astype("float32")
    loudness = rng.uniform(0.3, 1, size)
    for harmonic in range(1, HARMONICS + 1):
        amplitude = 1 if harmonic == 1 else rng.uniform(0, 1, size) / harmonic
        audible = pitch * harmonic < RATE / 2  # higher overtones would be aliased to other pitches
        cycles = (harmonic * pitch)[:, None] * time + rng.uniform(size=(size, 1))
        x += (loudness * amplitude * audible)[:, None] * np.sin(2 * np.pi * cycles)
    return x[..., None], y


class Tones(tfds.core.GeneratorBasedBuilder):
    """The TFDS builder: `audio` (2000, 1) float32 and `label`."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description="Noisy tones of twelve notes in three octaves, a quarter of a second at 8 kHz.",
            features=tfds.features.FeaturesDict(
                {
                    "audio": tfds.features.Tensor(shape=(SAMPLES, 1), dtype=np.float32, encoding="bytes"),
                    "label": tfds.features.ClassLabel(names=NOTES),
                }
            ),
            supervised_keys=("audio", "label"),
            disable_shuffling=True,  # drawn in random order
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(*arrays) for split, arrays in tones().items()}

    def _generate_examples(self, x, y):
        for key, (audio, label) in enumerate(zip(x, y)):
            yield key, {"audio": audio, "label": int(label)}
