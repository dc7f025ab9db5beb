// The products that a cell of a convolution's map is the sum of, from a recorded kernel and the maps that it reads.

const SHOWN = 6; // input maps whose products are returned; the others are summed

const sumOf = (values) => values.reduce((a, b) => a + b, 0);

// Returns the number of a position, counted row by row, within a tile that repeats over a map.
const inTile = (position, tile) => tile.reduce((sum, n, axis) => sum * n + (position[axis] % n), 0);

// kernel: {header: {size, activation}, arrays: weights (*tile, taps, weights of a tap), links (channels, filters),
// reads (*output, taps) and bias}; read: the maps that the layer reads; output: the value of the cell.
export function cellProducts({ header, arrays: [weights, links, reads, bias] }, read, { channel: filter, cell }, output) {
  const { values, shape } = read, length = values.length / shape[0], filters = links.shape[1];
  const tile = weights.shape.slice(0, -2), [taps, each] = weights.shape.slice(-2);
  const own = inTile(cell, tile) * taps, from = inTile(cell, reads.shape.slice(0, -1)) * taps;
  const rows = [];
  for (let channel = 0; channel < shape[0]; channel++) {
    const link = links.values[channel * filters + filter];
    if (link < 0) continue;
    const patch = [], kernel = [];
    for (let tap = 0; tap < taps; tap++) {
      const position = reads.values[from + tap];
      patch.push(position < 0 ? 0 : values[channel * length + position]);
      kernel.push(weights.values[(own + tap) * each + link]);
    }
    rows.push({ channel, patch, kernel, sum: sumOf(patch.map((value, tap) => value * kernel[tap])) });
  }
  const largest = new Set([...rows].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum)).slice(0, SHOWN));
  const shown = rows.filter((row) => largest.has(row)), total = sumOf(rows.map((row) => row.sum));
  const added = bias.values[inTile(cell, bias.shape.slice(0, -1)) * filters + filter];
  return {
    size: header.size,
    activation: header.activation,
    tile: Math.max(...tile) > 1 ? cell.map((at, axis) => at % tile[axis]) : [],
    channels: shown.map((row) => row.channel),
    patches: shown.map((row) => row.patch),
    kernels: shown.map((row) => row.kernel),
    rest: sumOf(rows.filter((row) => !largest.has(row)).map((row) => row.sum)),
    bias: added,
    total: total + added,
    output,
  };
}
