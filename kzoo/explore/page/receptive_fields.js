// Receptive fields: which positions of the input and of each map on the way a cell depends on.

export const STATUSES = ["exact", "upper bound", "depends on the data", "unknown"];

// Returns in words what a cell depends on, for what `fieldsOf` returns; "" if on no position of the inputs.
export function describeField(steps, { boxes, status }) {
  const inputs = steps.flatMap(({ kind }, number) => (kind === "Input" ? [number] : []));
  const parts = inputs.filter((number) => boxes.get(number)).map((number) => {
    const size = boxes.get(number).map(([first, last]) => last - first + 1).join(" × ");
    return `${size} of ${inputs.length > 1 ? steps[number].path : "the input"}`;
  });
  const part = parts.join(" and ");
  return part && {
    exact: `it depends on ${part}`,
    "upper bound": `it depends on at most ${part}`,
    "depends on the data": `it depends on at most ${part}, on which part changes with the input`,
    unknown: `it may depend on ${part}, as a layer before it is of an unknown kind`,
  }[status];
}

const whole = (shape) => shape.map((n) => [0, n - 1]);

// Returns the first and last position of a source along one axis that the positions from first to last see.
function through([first, last], [size, stride, padding], n) {
  if (size === null) return [0, n - 1];
  const start = Math.ceil(first * stride - padding - 1e-9), end = Math.floor(last * stride - padding + size - 1 + 1e-9);
  return start > n - 1 || end < 0 ? null : [Math.max(0, start), Math.min(n - 1, end)];
}

// Returns {boxes: Map of a step's number to [first, last] for each axis, mixed: a set of the steps of whose maps more than
// the one of the cell's number is read, status}; a box is null for a vector of units. A cell is a position along each axis
// of a step's map; the fields of a step lead to its sources, which stand before it.
export function fieldsOf(steps, number, cell) {
  const boxes = new Map([[number, steps[number].vector ? null : cell.map((at) => [at, at])]]);
  const mixed = new Set();
  let status = 0;
  for (let at = number; at >= 0; at--) {
    if (!boxes.has(at)) continue;
    const box = boxes.get(at), step = steps[at];
    if (step.sources.length) status = Math.max(status, STATUSES.indexOf(step.status));
    for (const { step: source, axes } of step.sources) {
      if (axes === null) continue;
      const { shape, vector, channels } = steps[source];
      if (mixed.has(at) || !step.channelwise || channels !== step.channels) mixed.add(source);
      if (vector) {
        boxes.set(source, null);
        continue;
      }
      const aligned = box !== null && box.length === shape.length;
      const seen = aligned ? shape.map((n, axis) => through(box[axis], axes[axis], n)) : whole(shape);
      if (seen.includes(null)) continue; // only padding
      const before = boxes.get(source);
      boxes.set(source, before ? seen.map(([a, b], axis) => [Math.min(a, before[axis][0]), Math.max(b, before[axis][1])]) : seen);
    }
  }
  return { boxes, mixed, status: STATUSES[status] };
}
