// Requests to the server: the token of the page's address goes into a header of each.

const token = new URLSearchParams(location.search).get("token");

async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: { Authorization: `Bearer ${token}` } });
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
  return new Float32Array(await (await request(`api/example/${index}`)).arrayBuffer());
}

export async function decodeFile(file) {
  return new Float32Array(await (await request("api/upload", { method: "POST", body: file })).arrayBuffer());
}

// Returns what a cell of a convolution's map is the sum of.
export async function fetchCell(values, { step, channel, cell }) {
  return (await request(`api/cell?at=${[step, channel, ...cell].join(",")}`, { method: "POST", body: values })).json();
}

// Returns the header of a response, whose entries of this name get the numbers that follow it.
async function unpack(response, name) {
  const buffer = await response.arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let offset = 4 + length;
  for (const entry of header[name]) {
    const count = entry.shape.reduce((a, b) => a * b, 1);
    entry.values = new Float32Array(buffer, offset, count);
    offset += 4 * count;
  }
  return header;
}

// Returns {kind, outputs, maps: Map of a step's number to {shape, values}} for an input.
export async function run(values, steps) {
  const header = await unpack(await request(`api/run?maps=${steps.join(",")}`, { method: "POST", body: values }), "maps");
  return { ...header, maps: new Map(header.maps.map(({ step, ...map }) => [step, map])) };
}

// Returns a view of a unit: {text, pictures: [{title, shape, signed, values}]}.
export async function fetchUnit(values, view, { step, unit }) {
  return unpack(await request(`api/unit?view=${view}&at=${step},${unit}`, { method: "POST", body: values }), "pictures");
}
