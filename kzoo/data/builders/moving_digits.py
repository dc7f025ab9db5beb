"""Moving digits: scikit-learn's digits drift over a field, as clips, as single frames and as stacks of optical flow.

Source: after Srivastava, Mansimov & Salakhutdinov 2015, "Unsupervised learning of video representations using LSTMs",
arXiv:1502.04681; the flow: Farnebäck 2003, "Two-frame motion estimation based on polynomial expansion", by OpenCV,
stacked and kept in bytes as by Simonyan & Zisserman 2014, arXiv:1406.2199, section 3.
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
CLIP, FIELD = 8, 24  # frames; pixels a side
FLOWS, LARGE, ZOOM, SPEED = 3, 48, 3, 2  # fields of flow; pixels a side of theirs, a digit's pixel, and a frame
JITTER = 6  # pixels that such a digit may begin off the middle
BYTE = 32  # steps of a byte a pixel of flow; 128 is rest
SHAPES = {
    "clips": (CLIP, FIELD, FIELD, 1),
    "frame": (LARGE, LARGE, 1),
    "flow": (LARGE, LARGE, 2 * FLOWS),
    "frame_and_flow": (LARGE, LARGE, 1 + 2 * FLOWS),
}


def moving_digits(config="clips"):
    """The data, the same at each call: {"train": (x, y), "test": (x, y)}, of digits of the split of that name.

    "clips": the class is one of the eight DIRECTIONS. What leaves the field on one side enters on the other, so that
    digits are anywhere in every frame and a single one tells nothing of the direction: TFDS's
    `image_as_moving_sequence` would bounce off the edges and turn. The other three show larger digits, whose class is
    the digit together with one of four directions, which takes both to tell: "frame" the first frame, "flow" the flow
    from each frame to the next, "frame_and_flow" one behind the other on the channels' axis.
    Shapes: x (4000, *SHAPES[config]) and (1000, ...) uint8, y (4000,) and (1000,) integers, 0..7, or 4 digit + turn.
    Units: frames count dark pixels, 0..16; flow is 128 + 32 times the pixels that a place moves by in a frame, first
    right, then down, of each field.
    Errors: Refusal if there is to be flow and OpenCV is not installed.

    >>> moving_digits()["test"][0].shape
    (1000, 8, 24, 24, 1)
    """
    # RandomState, because NumPy promises never to change its numbers; the newer generators may change.
    return {
        split: _split(config, *images, SIZES[split], np.random.RandomState(seed))
        for seed, (split, images) in enumerate(digits().items())
    }


def clips(images, velocities, starts, frames, field):
    """Each image (N, H, W, 1) on a field of that side whose edges meet, moving by whole pixels.

    Shapes: velocities and starts (N, 2), rows down and columns right -> (N, frames, field, field, 1).
    """
    still = np.zeros((len(images), field, field, 1), images.dtype)
    still[:, : images.shape[1], : images.shape[2]] = images
    moved = starts[:, None] + velocities[:, None] * np.arange(frames)[:, None]
    rows, columns = np.moveaxis((np.arange(field) - moved[..., None]) % field, 2, 0)
    example = np.arange(len(images))[:, None, None, None]
    return still[example, rows[..., None], columns[:, :, None]]


def flow(clip):
    """The optical flow from each frame of a clip (T, H, W, 1), its values 0..16, to the next: (H, W, 2 (T - 1)).

    Units: pixels a frame, right and down. Errors: Refusal without OpenCV.
    """
    try:
        import cv2
    except ImportError as error:
        wanted = "load expects OpenCV, which computes optical flow, for moving_digits/flow and frame_and_flow"
        raise Refusal(f"{wanted}; it is not installed: pip install 'kzoo[flow]'") from error
    edge = 16  # pixels beyond the edges, where the other side begins
    wide = np.pad(15 * clip[..., 0], ((0, 0), (edge, edge), (edge, edge)), mode="wrap")
    found = [
        cv2.calcOpticalFlowFarneback(
            *pair, None, pyr_scale=0.5, levels=2, winsize=7, iterations=3, poly_n=5, poly_sigma=1.1, flags=0
        )
        for pair in zip(wide, wide[1:])
    ]
    return np.concatenate(found, axis=-1)[edge:-edge, edge:-edge]


def _split(config, images, labels, size, draw):
    small = config == "clips"
    names, frames, field, zoom, speed = (
        (tuple(DIRECTIONS), CLIP, FIELD, 1, 1) if small else (STRAIGHT, FLOWS + 1, LARGE, ZOOM, SPEED)
    )
    chosen, turns = draw.randint(len(images), size=size), draw.randint(len(names), size=size)
    velocities = speed * np.array([DIRECTIONS[name] for name in names])[turns]
    large = images[chosen].repeat(zoom, axis=1).repeat(zoom, axis=2)
    middle = (field - large.shape[1]) // 2
    starts = draw.randint(field, size=(size, 2)) if small else middle + draw.randint(-JITTER, JITTER + 1, (size, 2))
    made = clips(large, velocities, starts, frames, field)
    if small:
        return made, turns
    y = len(STRAIGHT) * labels[chosen] + turns
    parts = [made[:, 0]] if "frame" in config else []
    if "flow" in config:
        moved = np.stack([flow(clip) for clip in made])
        parts.append(np.clip(np.round(128 + BYTE * moved), 0, 255).astype("uint8"))
    return np.concatenate(parts, axis=-1), y


class MovingDigits(tfds.core.GeneratorBasedBuilder):
    """The set as TFDS keeps it: `input` uint8, of the config's shape, and `label`."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name="clips", description="Eight frames; the class is the direction."),
        tfds.core.BuilderConfig(name="frame", description="One frame; the class is digit and direction."),
        tfds.core.BuilderConfig(name="flow", description="Three fields of flow; the class is digit and direction."),
        tfds.core.BuilderConfig(name="frame_and_flow", description="The frame and the flow on one axis of channels."),
    ]

    def _info(self):
        name = self.builder_config.name
        both = [f"{digit} {turn}" for digit in range(10) for turn in STRAIGHT]
        return tfds.core.DatasetInfo(
            builder=self,
            description="scikit-learn's digits, drifting.",
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
