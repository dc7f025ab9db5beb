// Changes of an example by a line that the mouse draws, from one point to another.

const BRUSH = 0.045; // radius, as a part of the shorter side

const share = (value) => Math.max(0, Math.min(1, value));

// Returns the distance of a point from a line.
function distance([x, y], [x0, y0], [x1, y1]) {
  const length = (x1 - x0) ** 2 + (y1 - y0) ** 2;
  const along = length ? share(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length) : 0;
  return Math.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0));
}

// Returns an image, or volume, with a line of a value painted into it; size: {depth, width, height, channels}; darken:
// whether the value is below all others.
export function paintLine(image, { depth, width, height, channels }, from, to, value, darken) {
  const radius = Math.max(0.8, BRUSH * Math.min(width, height)), reach = Math.ceil(radius + 1);
  const range = (axis, n) => [
    Math.max(0, Math.floor(Math.min(from[axis], to[axis])) - reach),
    Math.min(n - 1, Math.max(from[axis], to[axis]) + reach),
  ];
  const [left, right] = range(0, width), [top, bottom] = range(1, height), painted = image.slice();
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const strength = share(radius + 0.5 - distance([x, y], from, to));
      for (let d = 0; d < depth && strength; d++) {
        for (let c = 0; c < channels; c++) {
          const at = ((d * height + y) * width + x) * channels + c, old = painted[at];
          const mixed = old + strength * (value - old); // soft edges never undo what was painted
          painted[at] = darken ? Math.min(old, mixed) : Math.max(old, mixed);
        }
      }
    }
  }
  return painted;
}

// Returns a signal with the line between two points [position, value] in all channels.
export function paintSegment(signal, { width, channels }, [a, v0], [b, v1]) {
  const painted = signal.slice(), first = Math.max(0, Math.round(Math.min(a, b)));
  for (let t = first; t <= Math.min(width - 1, Math.round(Math.max(a, b))); t++) {
    painted.fill(v0 + (a === b ? 1 : share((t - a) / (b - a))) * (v1 - v0), t * channels, (t + 1) * channels);
  }
  return painted;
}
