"""Images: damaged, of another kind than their name says, or huge; in folders to train on, and to predict."""

import io
import json
import os
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from tests.hostile.judge import Case, expect, kzoo
from tests.hostile.kinds.arrays import DTYPES, VALUES, Payload
from tests.hostile.mutations import damage_file, pick
from tests.hostile.stock import EXPORTS, take

FORMATS = {
    ".png": "PNG",
    ".PNG": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".webp": "WEBP",
    ".tiff": "TIFF",
}
MODES = ("L", "L", "RGB", "RGB", "RGBA", "CMYK", "P", "1", "I;16", "F", "LA")


def encode(rng, suffix, mode="L", size=(10, 12)):
    """Returns the bytes of a random image; of mode L where the format lacks the mode."""
    pixels, stream = rng.integers(0, 256, (*size[::-1], 3)).astype("uint8"), io.BytesIO()
    image = Image.fromarray(pixels).convert("L")
    if mode == "I;16":
        image = Image.fromarray(pixels[..., 0].astype("uint16") * 257)
    elif mode != "L":
        image = Image.fromarray(pixels).convert(mode)
    more = {"save_all": True, "append_images": [image] * 2} if suffix in (".gif", ".webp") and mode == "P" else {}
    try:
        image.save(stream, FORMATS[suffix], **more)
    except (OSError, KeyError, ValueError):
        return encode(rng, suffix)
    return stream.getvalue()


def huge_header(suffix, side=20_000):
    """Returns a few bytes that declare an image of side x side pixels."""
    if suffix == ".png":
        header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        data = b"IDAT" + zlib.compress(bytes(1000))
        chunks = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (header, data, b"IEND")]
        return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
    if suffix == ".gif":
        return b"GIF89a" + struct.pack("<HH", side, side) + bytes(3) + b";"
    if suffix == ".bmp":
        return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0)
    return (
        b"\xff\xd8\xff\xc0\x00\x11\x08" + struct.pack(">HH", side, side) + b"\x03\x01\x11\x00\x02\x11\x01\x03\x11\x01"
    )


def spoil(rng, path):
    """Makes the file at `path` hostile; returns in words how."""
    suffix = path.suffix if path.suffix in FORMATS else ".png"
    how = pick(rng, ("damage",) * 4 + ("other kind", "mode", "huge", "empty", "text", "fifo", "folder", "link", "loop"))
    if how == "damage":
        damage_file(rng, path)
    elif how == "other kind":
        path.write_bytes(encode(rng, pick(rng, [other for other in FORMATS if FORMATS[other] != FORMATS[suffix]])))
    elif how == "mode":
        how = pick(rng, MODES)
        path.write_bytes(encode(rng, suffix, how))
    elif how == "huge":
        path.write_bytes(huge_header(suffix, pick(rng, (20_000, 65_535))))
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "text":
        path.write_text("no image")
    else:
        path.unlink()
        if how == "fifo":
            os.mkfifo(path)
        elif how == "folder":
            path.mkdir()
        else:
            path.symlink_to(path.name if how == "loop" else "../nowhere.png")
    return f"{path.name}: {how}"


def folders(rng, stock):
    suffix = pick(rng, (".png", ".png", ".jpg", ".jpeg", ".PNG"))
    mode, names = (
        pick(rng, ("L", "RGB")),
        pick(rng, (("a", "b"), ("a", "é"), ("b c", "..x"), ("\udcff", "a"), ("a", "a\nb"))),
    )
    files = []
    for split, count in (("train", 4), ("test", 2)):
        for name in names:
            for index in range(count):
                file = Path("images", split, name, f"{index}{suffix}")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(encode(rng, suffix, mode))
                files.append(file)
    what = [f"a folder of {mode} images {suffix} in {names}"]
    how = pick(rng, ("spoil", "spoil", "spoil", "add", "remove", "sizes", "split", "none"))
    if how == "spoil":
        what.append(spoil(rng, pick(rng, files)))
    elif how == "add":
        extra = Path(
            "images", pick(rng, ("train/c", "test/c", "train/a/deep", "other/a", "train/.hidden", "train")), "x.png"
        )
        extra.parent.mkdir(parents=True, exist_ok=True)
        extra.write_bytes(encode(rng, ".png", mode))
        what.append(f"and {extra}")
    elif how == "remove":
        for file in pick(rng, (files[:4], files[:8], files[8:], files[8:10], files)):
            file.unlink()
        what.append("some removed")
    elif how == "sizes":
        pick(rng, files).write_bytes(encode(rng, suffix, mode, (7, 9)))
        what.append("one of another size")
    elif how == "split":
        Path("images/test").rename(f"images/{pick(rng, ('val', 'TEST', 'validation', 'train2'))}")
        what.append("another split")
    return Case("; ".join(what), lambda: load_folder(pick(rng, (None, None, (6, 6)))))


def load_folder(image_size):
    """Loads the folder; every image of the training split that is not hidden must be in it, in its declared classes."""
    from kzoo.data.loader import load

    images = [file for file in Path("images/train").glob("*/**/*") if file.suffix.lower() in FORMATS]
    files = [file for file in images if not file.is_dir() and not any(part.startswith(".") for part in file.parts)]
    data = load(folder="images", image_size=image_size)
    x, y = data.train.numpy()
    if data.test is not None:
        data.test.numpy()
    expect(len(x) == len(files), f"{len(files)} images in the folder, {len(x)} loaded")
    expect(y.max() < data.classes == len(data.class_names), f"{data.classes} classes, labels up to {y.max()}")


def predictions(rng, stock):
    images = rng.random() < 0.6
    model = take(EXPORTS, "lenet5" if images else "mnist1d_cnn") / "model.onnx"
    if images:
        suffix = pick(rng, (".png", ".jpg", ".gif", ".bmp", ".jpeg"))
        file = Path("x" + suffix)
        file.write_bytes(encode(rng, suffix, pick(rng, MODES)))
        what = spoil(rng, file) if rng.random() < 0.8 else "an image as it is"
    else:
        file = Path("x.npy")
        what = write_npy(rng, file)
    out = pick(rng, ("p.npy", "p", "p.npz", "sub/p.npy", ".", "x.npy", "/dev/full", "p.txt"))
    more = pick(rng, ((), ("--out", out), ("--top", "99"), ("--out", out)))
    return Case(f"{what}; kzoo predict {model} {file} {more}", lambda: predict(model, file, more))


def write_npy(rng, file):
    """Writes a hostile array; returns in words how."""
    shape = pick(rng, ((40, 1), (2, 40, 1), (0, 40, 1), (2, 40), (2, 39, 1), (2, 1, 40, 1), (), (40,)))
    x = np.zeros(shape)
    how = pick(rng, ("dtype", "value", "pickle", "damage", "shape"))
    if how == "dtype":
        how = pick(rng, DTYPES)
        x = np.zeros(shape, how)
    if how == "value":
        how = pick(rng, VALUES)
        x[...] = how
    if how == "pickle":
        x = np.array([Payload()], dtype=object)
    np.save(file, x)
    if how == "damage":
        damage_file(rng, file)
    return f"an array {shape}, {how}"


def predict(model, file, more):
    out = Path(more[-1]) if "--out" in more else None
    printed = kzoo("predict", model, file, "--json", *more)[0]
    expect(out is None or out.is_file(), f"{out} was not written: {sorted(path.name for path in Path().iterdir())}")
    outputs = out is not None and out.suffix == ".npy"
    records = json.loads(printed if out is None or outputs else out.read_text())
    scores = [best["score"] for record in records for best in record["top"]]
    expect(scores and np.isfinite(scores).all(), f"scores that are not finite: {scores[:3]}")
    expect(not outputs or len(np.load(out)) == len(records), f"{out} holds other outputs")
