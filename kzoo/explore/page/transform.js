// Scales and rotates an example about its middle, shifts it by pixels, and adds noise that stays the same from call to
// call.

export const IDENTITY = { x: 0, y: 0, angle: 0, size: 1, noise: 0 };

// Returns numbers from a normal distribution, the same for each call (Mulberry32, Box-Muller).
function normals(count) {
  let state = 1;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return Float32Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()));
}

let noise = new Float32Array(0);

// Returns where a point of the transformed example comes from, in pixels.
export function origin({ width, height }, settings, x, y) {
  const angle = (settings.angle * Math.PI) / 180, cx = (width - 1) / 2, cy = (height - 1) / 2;
  const dx = x - cx - settings.x, dy = y - cy - settings.y;
  const cos = Math.cos(angle) / settings.size, sin = Math.sin(angle) / settings.size;
  return [cx + cos * dx + sin * dy, cy - sin * dx + cos * dy];
}

// Returns the transformed example; size: {depth, width, height, channels}; low, high: limits of its values.
export function transform(values, size, settings, low, high) {
  const { depth, width, height, channels } = size;
  const moved = settings.x || settings.y || settings.angle || settings.size !== 1;
  const result = moved ? new Float32Array(values.length).fill(low > 0 || high < 0 || height > 1 ? low : 0) : values.slice();
  if (moved) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [fx, fy] = origin(size, settings, x, y), x0 = Math.floor(fx), y0 = Math.floor(fy);
        for (let d = 0; d < depth; d++) {
          for (let c = 0; c < channels; c++) {
            const to = ((d * height + y) * width + x) * channels + c;
            let sum = 0, weight = 0;
            for (const [px, wx] of [[x0, 1 - fx + x0], [x0 + 1, fx - x0]]) {
              for (const [py, wy] of [[y0, 1 - fy + y0], [y0 + 1, fy - y0]]) {
                if (wx * wy > 1e-6 && px >= 0 && px < width && py >= 0 && py < height) {
                  sum += wx * wy * values[((d * height + py) * width + px) * channels + c];
                  weight += wx * wy;
                }
              }
            }
            result[to] = sum + (1 - weight) * result[to];
          }
        }
      }
    }
  }
  if (settings.noise) {
    if (noise.length < result.length) noise = normals(result.length);
    for (let i = 0; i < result.length; i++) result[i] += noise[i] * settings.noise * (high - low);
  }
  if (height > 1) for (let i = 0; i < result.length; i++) result[i] = Math.max(low, Math.min(high, result[i]));
  return result;
}
