// Requests to the server: the token of the page's address goes into a header of each. A model is given by its number, an
// input as {values, example}: the number of the example that other inputs of the model than the first are taken from.

import { unpackOutputs, unpackView } from "./packed.js";

const token = new URLSearchParams(location.search).get("token");

async function request(path, { values, example = 0 } = {}) {
  const options = values ? { method: "POST", body: values } : {};
  let response;
  try {
    response = await fetch(`api/${path}`, { ...options, headers: { Authorization: `Bearer ${token}`, "Kzoo-Example": example } });
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
  return new Float32Array(await (await request("upload", { values: file })).arrayBuffer());
}

// Returns what a cell of a convolution's map is the sum of.
export async function fetchCell(model, input, { step, channel, cell }) {
  return (await request(`${model}/cell?at=${[step, channel, ...cell].join(",")}`, input)).json();
}

// Returns the equivariance error of each layer for an input {base: the values before they are moved, movement: factor,
// degrees and pixels along each axis, example}.
export async function fetchEquivariance(model, { base, movement, example }) {
  return (await request(`${model}/equivariance?by=${movement.join(",")}`, { values: base, example })).json();
}

// Returns {kind, outputs, maps: Map of a step's number to {shape, values}, labelMap: {shape, values} or null} for an
// input.
export async function run(model, input, steps) {
  return unpackOutputs(await (await request(`${model}/run?maps=${steps.join(",")}`, input)).arrayBuffer());
}

// Returns a view of a unit: {text, pictures: [{title, shape, signed, values}]}.
export async function fetchUnit(model, input, view, { step, unit }) {
  return unpackView(await (await request(`${model}/unit?view=${view}&at=${step},${unit}`, input)).arrayBuffer());
}
