"""Tones: a quarter of a second of sound, raw, whose class is the note, in whatever octave, timbre, phase and loudness.

Source: none; notes of equal temperament, A4 = 440 Hz (ISO 16).
"""

import numpy as np
import tensorflow_datasets as tfds

RATE, SAMPLES = 8000, 2000  # Hz, so many samples a tone
NOTES = ("C", "C sharp", "D", "D sharp", "E", "F", "F sharp", "G", "G sharp", "A", "A sharp", "B")
OCTAVES = (3, 4, 5)  # from 131 to 988 Hz
HARMONICS = 5
SIZES = {"train": 4000, "test": 1000}


def tones():
    """The data, the same at each call: {"train": (x, y), "test": (x, y)}.

    Shapes: x (4000, 2000, 1) and (1000, 2000, 1) float32, y (4000,) and (1000,) integers 0..11, the notes from C to B.
    Units: 8,000 samples a second; the fundamental's amplitude is 0.3 to 1, the overtones are weaker, the phases at
    random, the noise has standard deviation 0.5, the tuning is off by up to a fifth of a semitone.
    Errors: none.

    >>> tones()["test"][0].shape
    (1000, 2000, 1)
    """
    return {split: _split(size, seed) for seed, (split, size) in enumerate(SIZES.items())}


def _split(size, seed):
    # RandomState, because NumPy promises never to change its numbers; the newer generators may change.
    draw = np.random.RandomState(seed)
    y = draw.randint(len(NOTES), size=size)
    semitones = y - NOTES.index("A") + 12 * (draw.choice(OCTAVES, size) - 4) + draw.uniform(-0.2, 0.2, size)
    pitch = 440 * 2 ** (semitones / 12)
    time = np.arange(SAMPLES, dtype="float32") / RATE
    x = draw.normal(0, 0.5, (size, SAMPLES)).astype("float32")
    loudness = draw.uniform(0.3, 1, size)
    for harmonic in range(1, HARMONICS + 1):
        share = 1 if harmonic == 1 else draw.uniform(0, 1, size) / harmonic
        audible = pitch * harmonic < RATE / 2  # what is higher would come back as another pitch
        turns = (harmonic * pitch)[:, None] * time + draw.uniform(size=(size, 1))
        x += (loudness * share * audible)[:, None] * np.sin(2 * np.pi * turns)
    return x[..., None], y


class Tones(tfds.core.GeneratorBasedBuilder):
    """The set as TFDS keeps it: `audio` (2000, 1) float32 and `label`."""

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
