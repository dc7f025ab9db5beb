// What `kzoo explore --out` recorded, with the functions of api.js that need no model. A model is given by its number,
// an input as {example}, its number.

import { cellProducts } from "./cell_products.js";
import { unpack, unpackOutputs } from "./packed.js";

const models = read("recording.json").then((response) => response.json()).then((recording) => recording.models);
const kernels = new Map(); // a file's path to its kernel
const latest = new Map(); // a model's number to {example, outputs: a promise}

async function read(path) {
  const response = await fetch(path).catch(() => null);
  if (!response?.ok) throw new Error(`${path} of this recording cannot be read.`);
  return response;
}

async function readBytes(path) {
  return (await read(path)).arrayBuffer();
}

export function fetchModels() {
  return models;
}

export async function fetchExample(index) {
  return new Float32Array(await readBytes(`data/example_${index}.bin`));
}

// Returns what a cell of a convolution's map is the sum of, or null if it is not recorded.
export async function fetchCell(model, input, chosen) {
  const step = (await models)[model].steps[chosen.step];
  if (!step.kernel) return null;
  const path = `data/model_${model}/kernel_${chosen.step}.bin`;
  if (!kernels.has(path)) kernels.set(path, unpack(await readBytes(path)));
  const kernel = kernels.get(path);
  const { maps } = await run(model, input), { shape, values } = maps.get(chosen.step);
  const at = chosen.cell.reduce((sum, position, axis) => sum * shape[axis + 1] + position, chosen.channel);
  return cellProducts(kernel, maps.get(step.sources[0].step), chosen, values[at]);
}

// Returns {kind, outputs, maps: Map of a step's number to {shape, values}} for an example, with the maps of all steps.
export async function run(model, { example }) {
  if (latest.get(model)?.example !== example) {
    latest.set(model, { example, outputs: readBytes(`data/model_${model}/example_${example}.bin`).then(unpackOutputs) });
  }
  return latest.get(model).outputs;
}
