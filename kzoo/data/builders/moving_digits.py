"""Moving digits: scikit-learn's digits move across a field, as clips, single frames and stacks of optical flow.

Source: after Srivastava, Mansimov & Salakhutdinov 2015, "Unsupervised learning of video representations using LSTMs",
arXiv:1502.04681; the flow: Farnebäck 2003, "Two-frame motion estimation based on polynomial expansion", by OpenCV,
stacked and stored in bytes as by Simonyan & Zisserman 2014, arXiv:1406.2199, section 3.
"""

import numpy as np
import tensorflow_datasets as tfds

from kzoo.checks import Refusal
from kzoo.data.builders.digits import digits

DIRECTIONS = {  # rows down and columns right, clockwise
    "up": (-1, 0),
    "up right": (-1, 1),
    "right": (0, 1),
    "down right": (1, 1),
    "down": (1, 0),
    "down left": (1, -1),
    "left": (0, -1),
    "up left": (-1, -1),
}
STRAIGHT = tuple(DIRECTIONS)[::2]
SIZES = {"train": 4000, "test": 1000}
CLIP, FIELD = 8, 24  # frames; pixels per side
FLOWS, LARGE, ZOOM, SPEED = 3, 48, 3, 2  # flow fields; their side in pixels; digits' zoom factor; pixels per frame
JITTER = 6  # largest distance in pixels of an enlarged digit from the center at the start
FLOW_SCALE, FLOW_ZERO = 32, 128  # flow is stored in bytes as FLOW_ZERO + FLOW_SCALE * pixels per frame
SHAPES = {
    "clips": (CLIP, FIELD, FIELD, 1),
    "frame": (LARGE, LARGE, 1),
    "flow": (LARGE, LARGE, 2 * FLOWS),
    "frame_and_flow": (LARGE, LARGE, 1 + 2 * FLOWS),
}


def moving_digits(config="clips"):
    """Returns {"train": (x, y), "test": (x, y)}, the same at each call, from the digits of the split of the same name.

    "clips": the class is one of the eight DIRECTIONS. A digit that leaves the field on one side enters it on the other
    side. So positions are uniform in every frame and no single frame shows the direction; in TFDS's
    `image_as_moving_sequence` digits bounce off the edges instead.
    The other configs show larger digits; the class is the digit and one of four directions, so that both frame and flow
    are needed: "frame" is the first frame, "flow" the flow from each frame to the next, "frame_and_flow" both,
    concatenated along the channels.
    Shapes: x (4000, *SHAPES[config]) and (1000, ...) uint8, y (4000,) and (1000,) integers, 0..7 in "clips", otherwise
    4 digit + direction.
    Units: frames count dark pixels, 0..16. Flow is 128 + 32 pixels per frame; each field has the component to the right
    first, then the one down.
    Raises Refusal if flow is needed and OpenCV is not installed.

    >>> moving_digits()["test"][0].shape
    (1000, 8, 24, 24, 1)
    """
    # RandomState, because NumPy guarantees that its numbers never change.
    return {
        split: _split(config, *images, SIZES[split], np.random.RandomState(seed))
        for seed, (split, images) in enumerate(digits().items())
    }


def clips(images, velocities, starts, frames, field):
    """Returns clips of images that move by whole pixels per frame across a square field with circular boundaries.

    Shapes: images (N, H, W, 1), velocities and starts (N, 2), rows down and columns right
    -> (N, frames, field, field, 1).
    """
    still = np.zeros((len(images), field, field, 1), images.dtype)
    still[:, : images.shape[1], : images.shape[2]] = images
    moved = starts[:, None] + velocities[:, None] * np.arange(frames)[:, None]
    rows, columns = np.moveaxis((np.arange(field) - moved[..., None]) % field, 2, 0)
    example = np.arange(len(images))[:, None, None, None]
    return still[example, rows[..., None], columns[:, :, None]]


def flow(clip):
    """Returns the optical flow from each frame of a clip (T, H, W, 1), values 0..16, to the next: (H, W, 2 (T - 1)).

    Units: pixels per frame, right and down. Raises Refusal if OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        expected = "load expects OpenCV, which computes optical flow, for moving_digits/flow and frame_and_flow"
        raise Refusal(f"{expected}; it is not installed: pip install 'kzoo[flow]'") from error
    edge = 16  # pixels of circular padding
    padded = np.pad(15 * clip[..., 0], ((0, 0), (edge, edge), (edge, edge)), mode="wrap")
    flows = [
        cv2.calcOpticalFlowFarneback(
            *pair, None, pyr_scale=0.5, levels=2, winsize=7, iterations=3, poly_n=5, poly_sigma=1.1, flags=0
        )
        for pair in zip(padded, padded[1:])
    ]
    return np.concatenate(flows, axis=-1)[edge:-edge, edge:-edge]


def _split(config, images, labels, size, rng):
    small = config == "clips"
    directions, frames, field, zoom, speed = (
        (tuple(DIRECTIONS), CLIP, FIELD, 1, 1) if small else (STRAIGHT, FLOWS + 1, LARGE, ZOOM, SPEED)
    )
    chosen, turns = rng.randint(len(images), size=size), rng.randint(len(directions), size=size)
    velocities = speed * np.array([DIRECTIONS[name] for name in directions])[turns]
    large = images[chosen].repeat(zoom, axis=1).repeat(zoom, axis=2)
    middle = (field - large.shape[1]) // 2
    starts = rng.randint(field, size=(size, 2)) if small else middle + rng.randint(-JITTER, JITTER + 1, (size, 2))
    made = clips(large, velocities, starts, frames, field)
    if small:
        return made, turns
    y = len(STRAIGHT) * labels[chosen] + turns
    parts = [made[:, 0]] if "frame" in config else []
    if "flow" in config:
        moved = np.stack([flow(clip) for clip in made])
        parts.append(np.clip(np.round(FLOW_ZERO + FLOW_SCALE * moved), 0, 255).astype("uint8"))
    return np.concatenate(parts, axis=-1), y


class MovingDigits(tfds.core.GeneratorBasedBuilder):
    """The TFDS builder: `input` uint8, of the config's shape, and `label`."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name="clips", description="Eight frames; the class is the direction."),
        tfds.core.BuilderConfig(name="frame", description="One frame; the class is digit and direction."),
        tfds.core.BuilderConfig(name="flow", description="Three flow fields; the class is digit and direction."),
        tfds.core.BuilderConfig(name="frame_and_flow", description="The frame and the flow, concatenated."),
    ]

    def _info(self):
        name = self.builder_config.name
        both = [f"{digit} {turn}" for digit in range(10) for turn in STRAIGHT]
        return tfds.core.DatasetInfo(
            builder=self,
            description="scikit-learn's digits, moving across a field.",
            features=tfds.features.FeaturesDict(
                {
                    "input": tfds.features.Tensor(shape=SHAPES[name], dtype=np.uint8, encoding="zlib"),
                    "label": tfds.features.ClassLabel(names=list(DIRECTIONS) if name == "clips" else both),
                }
            ),
            supervised_keys=("input", "label"),
            disable_shuffling=True,  # drawn in random order
        )

    def _split_generators(self, dl_manager):
        made = moving_digits(self.builder_config.name)
        return {split: self._generate_examples(*arrays) for split, arrays in made.items()}

    def _generate_examples(self, x, y):
        for key, (example, label) in enumerate(zip(x, y)):
            yield key, {"input": example, "label": int(label)}
