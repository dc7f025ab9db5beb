// Requests to the server: the token of the page's address goes into a header of each. A model is given by its number,
// an input as {values}.

import { unpackOutputs, unpackView } from "./packed.js";

const token = new URLSearchParams(location.search).get("token");

async function request(path, body) {
  const options = body === undefined ? {} : { method: "POST", body };
  let response;
  try {
    response = await fetch(`api/${path}`, { ...options, headers: { Authorization: `Bearer ${token}` } });
  } catch {
    throw new Error("The server does not respond: kzoo explore has ended.");
  }
  if (!response.ok) {
    const text = await response.json().catch(() => ({}));
    throw new Error(text.error || `The server answered ${response.status}.`);
  }
  return response;
}

export async function fetchModels() {
  return (await request("models")).json();
}

export async function fetchExample(index) {
  return new Float32Array(await (await request(`example/${index}`)).arrayBuffer());
}

export async function decodeFile(file) {
  return new Float32Array(await (await request("upload", file)).arrayBuffer());
}

// Returns what a cell of a convolution's map is the sum of.
export async function fetchCell(model, { values }, { step, channel, cell }) {
  return (await request(`${model}/cell?at=${[step, channel, ...cell].join(",")}`, values)).json();
}

// Returns {kind, outputs, maps: Map of a step's number to {shape, values}} for an input.
export async function run(model, { values }, steps) {
  return unpackOutputs(await (await request(`${model}/run?maps=${steps.join(",")}`, values)).arrayBuffer());
}

// Returns a view of a unit: {text, pictures: [{title, shape, signed, values}]}.
export async function fetchUnit(model, { values }, view, { step, unit }) {
  return unpackView(await (await request(`${model}/unit?view=${view}&at=${step},${unit}`, values)).arrayBuffer());
}
