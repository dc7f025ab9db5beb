// Where the value of a cell was before a max pooling or max unpooling.

// Returns all positions from the first to the last along each axis of a box.
function positionsIn(box) {
  let positions = [[]];
  for (const [first, last] of box) {
    positions = positions.flatMap((before) => Array.from({ length: last - first + 1 }, (_, k) => [...before, first + k]));
  }
  return positions;
}

function valueAt({ values }, shape, channel, position) {
  return values[position.reduce((sum, at, axis) => sum * shape[axis] + at, channel)];
}

// Returns ", from position … of …" for a cell of a max pooling, the first of equal values, or ", returned from position …
// of …" for a cell of max unpooling that holds the value at the same part of the pooled map, or that this value returns
// elsewhere; "" where neither is certain. maps: of the steps' numbers; box: the part of its source that the cell depends
// on.
export function valueOrigin(steps, maps, number, channel, cell, box) {
  const { kind, sources, shape } = steps[number], source = sources[0]?.step, map = maps.get(source);
  if (!/^Max(Pooling|PoolingWithArgmax|Unpooling)[12]D$/.test(kind) || !box || !map || channel >= map.shape[0]) return "";
  const { path, shape: sizes } = steps[source], value = (position) => valueAt(map, sizes, channel, position);
  if (kind.startsWith("MaxUnpooling")) {
    const own = valueAt(maps.get(number), shape, channel, cell);
    const position = cell.map((at, axis) => Math.floor((at * sizes[axis]) / shape[axis]));
    if (own && value(position) === own) return `, returned from position ${position.join(", ")} of ${path}`;
    return own === 0 && value(position) ? `, as that of position ${position.join(", ")} of ${path} returns elsewhere` : "";
  }
  const best = positionsIn(box).reduce((most, position) => (value(position) > value(most) ? position : most));
  return `, from position ${best.join(", ")} of ${path}`;
}
