// Numbers as the server and recordings hold them: arrays of float32 after a header of JSON.

// Returns {header, arrays: [{shape, values}]}.
export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let offset = 4 + length;
  const arrays = header.shapes.map((shape) => {
    const values = new Float32Array(buffer, offset, shape.reduce((a, b) => a * b, 1));
    offset += 4 * values.length;
    return { shape, values };
  });
  return { header, arrays };
}

// Returns {kind, outputs, maps: Map of a step's number to {shape, values}, labelMap: {shape, values} or null}.
export function unpackOutputs(buffer) {
  const { header, arrays } = unpack(buffer);
  const maps = new Map(header.steps.map((step, k) => [step, arrays[k]]));
  return { ...header, maps, labelMap: arrays[header.steps.length] ?? null };
}

// Returns a view of a unit: {text, pictures: [{title, signed, shape, values}]}.
export function unpackView(buffer) {
  const { header, arrays } = unpack(buffer);
  return { ...header, pictures: header.pictures.map((picture, k) => ({ ...picture, ...arrays[k] })) };
}
