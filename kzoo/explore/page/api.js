// Requests to the server: the token of the page's address goes into a header of each, and the number of the example that
// other inputs of the model than the first are taken from into another.

const token = new URLSearchParams(location.search).get("token");
let example = 0;

async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: { Authorization: `Bearer ${token}`, "Kzoo-Example": example } });
  } catch {
    throw new Error("The server does not respond: kzoo explore has ended.");
  }
  if (!response.ok) {
    const text = await response.json().catch(() => ({}));
    throw new Error(text.error || `The server answered ${response.status}.`);
  }
  return response;
}

export async function fetchModel() {
  return (await request("api/model")).json();
}

export async function fetchExample(index) {
  const values = new Float32Array(await (await request(`api/example/${index}`)).arrayBuffer());
  example = index;
  return values;
}

export async function decodeFile(file) {
  return new Float32Array(await (await request("api/upload", { method: "POST", body: file })).arrayBuffer());
}

// Returns what a cell of a convolution's map is the sum of.
export async function fetchCell(values, { step, channel, cell }) {
  return (await request(`api/cell?at=${[step, channel, ...cell].join(",")}`, { method: "POST", body: values })).json();
}

// Returns the equivariance error of each layer for an example that is scaled, rotated and shifted by an amount.
export async function fetchEquivariance(values, amount) {
  return (await request(`api/equivariance?by=${amount.join(",")}`, { method: "POST", body: values })).json();
}

// Returns {kind, outputs, maps: Map of a step's number to {shape, values}, labelMap: {shape, values} or null} for an
// input.
export async function run(values, steps) {
  const response = await request(`api/run?maps=${steps.join(",")}`, { method: "POST", body: values });
  const buffer = await response.arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let offset = 4 + length;
  const maps = new Map();
  for (const { step, shape } of header.maps) {
    const count = shape.reduce((a, b) => a * b, 1);
    maps.set(step, { shape, values: new Float32Array(buffer, offset, count) });
    offset += 4 * count;
  }
  const Numbers = header.outputs.length > 256 ? Int32Array : Uint8Array;
  const labelMap = header.label_map && { shape: header.label_map, values: new Numbers(buffer, offset) };
  return { ...header, maps, labelMap };
}
