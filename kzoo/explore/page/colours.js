// The colour map viridis, interpolated between eleven of its colours, and grey levels.

const ANCHORS = [
  [68, 1, 84], [72, 36, 117], [65, 68, 135], [53, 95, 141], [42, 120, 142], [33, 145, 140], [34, 168, 132],
  [68, 191, 112], [122, 209, 81], [189, 223, 38], [253, 231, 37],
];

const MAX_WIDTH = 512; // positions of a signal's map that are drawn

const TABLE = new Uint32Array(256);
for (let level = 0; level < 256; level++) {
  const at = (level / 255) * (ANCHORS.length - 1), low = Math.min(Math.floor(at), ANCHORS.length - 2);
  const [r, g, b] = ANCHORS[low].map((from, k) => Math.round(from + (ANCHORS[low + 1][k] - from) * (at - low)));
  TABLE[level] = (255 << 24) | (b << 16) | (g << 8) | r;
}

// Colours of signed numbers from -1 to 1: blue, white, orange.
const NEGATIVE = [0, 114, 178], ZERO = [255, 255, 255], POSITIVE = [213, 94, 0];

function signedShare(value, limit) {
  return limit > 0 ? Math.max(-1, Math.min(1, value / limit)) : 0;
}

function mix(share) {
  const end = share < 0 ? NEGATIVE : POSITIVE;
  return ZERO.map((from, k) => Math.round(from + Math.abs(share) * (end[k] - from)));
}

// Returns the colour of a number from -limit to limit, and one that text on it has.
export function signedColour(value, limit) {
  const share = signedShare(value, limit);
  return [`rgb(${mix(share)})`, share < -0.6 ? "#fff" : "#000"];
}

// Returns the smallest and the largest finite number.
export function limits(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value < low && value > -Infinity) low = value;
    if (value > high && value < Infinity) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}

// Returns the 2D context of a canvas of a size; it is cleared only if the size changes.
export function sizedContext(canvas, width, height) {
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  return canvas.getContext("2d");
}

// Returns a long signal with fewer positions: the largest of each group.
function shorten(values) {
  const group = Math.ceil(values.length / MAX_WIDTH);
  const shorter = new Float32Array(Math.ceil(values.length / group)).fill(-Infinity);
  values.forEach((value, k) => { shorter[Math.floor(k / group)] = Math.max(value, shorter[Math.floor(k / group)]); });
  return shorter;
}

// Draws numbers as colours from low to high; numbers that are not finite, and missing ones, are transparent.
export function drawMap(canvas, values, width, height, [low, high]) {
  if (height === 1 && width > MAX_WIDTH) {
    values = shorten(values);
    width = values.length;
  }
  const image = new ImageData(width, height), pixels = new Uint32Array(image.data.buffer);
  const scale = high > low ? 255 / (high - low) : 0;
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) pixels[i] = TABLE[Math.max(0, Math.min(255, Math.round((values[i] - low) * scale)))];
  }
  sizedContext(canvas, width, height).putImageData(image, 0, 0);
}

// Draws an image (height, width, channels) of 3 channels in its colours, of others the first channel in grey.
export function drawImage(canvas, values, width, height, channels, [low, high]) {
  const image = new ImageData(width, height), scale = 255 / (high - low);
  for (let i = 0; i < width * height; i++) {
    for (let k = 0; k < 3; k++) {
      image.data[4 * i + k] = (values[i * channels + (channels === 3 ? k : 0)] - low) * scale;
    }
    image.data[4 * i + 3] = 255;
  }
  sizedContext(canvas, width, height).putImageData(image, 0, 0);
}

// Draws numbers from -limit to limit in the colours of signed numbers.
export function drawSigned(canvas, values, width, height, limit) {
  const image = new ImageData(width, height);
  values.forEach((value, k) => image.data.set([...mix(signedShare(value, limit)), Number.isFinite(value) ? 255 : 0], 4 * k));
  sizedContext(canvas, width, height).putImageData(image, 0, 0);
}
