// The page: connects the input, the outputs and the maps, and asks the server for what is shown.

import { decodeFile, fetchCell, fetchExample, fetchModel, run } from "./api.js";
import { drawMap } from "./colours.js";
import { Equivariance } from "./equivariance.js";
import { InputPanel } from "./input.js";
import { LabelMap } from "./label_map.js";
import { Net } from "./net.js";
import { showOutputs } from "./outputs.js";
import { showProducts } from "./products.js";

const byId = (id) => document.getElementById(id);

function report(error) {
  byId("message").hidden = !error;
  byId("message").textContent = error ? error.message : "";
}

// Returns a function that runs `task`, never twice at once: calls meanwhile lead to one more run.
function latest(task) {
  let running = false, again = false;
  return async function start() {
    again = true;
    if (running) return;
    running = true;
    while (again) {
      again = false;
      try {
        await task();
        report(null);
      } catch (error) {
        report(error);
      }
    }
    running = false;
  };
}

async function start() {
  const model = await fetchModel();
  byId("title").textContent = `${model.model} at work`;
  document.title = `${model.model} - kzoo explore`;
  byId("origin").textContent = `${model.origin}.`;
  drawMap(byId("scale").querySelector("canvas"), Float32Array.from({ length: 256 }, (_, k) => k), 256, 1, [0, 255]);

  let values = null, version = 0, shown = -1, net = null;
  const refresh = latest(async () => {
    if (!net || !values) return;
    const asked = version, wanted = net.wanted().filter((step) => asked !== shown || !net.found.has(step));
    if (asked === shown && !wanted.length) return;
    const result = await run(values, wanted);
    byId("outputs-kind").textContent = `${result.kind[0].toUpperCase()}${result.kind.slice(1)} of each class`;
    showOutputs(byId("outputs"), result, model.labels);
    labelMap.show(result.labelMap, result.outputs.length);
    net.update(result.maps, asked !== shown);
    products();
    shown = asked;
    document.body.dataset.version = asked;
  });
  const products = latest(async () => {
    const chosen = net.chosen, step = chosen && model.steps[chosen.step];
    const found = step?.convolution ? await fetchCell(values, chosen) : null;
    showProducts(byId("products"), found, step, chosen);
  });
  const labelMap = new LabelMap(byId("label-map"), model.labels);
  const equivariance = new Equivariance(byId("equivariance-panel"), model.steps);
  const input = new InputPanel(byId("input"), byId("sliders"), model.input, (changed, base, movement) => {
    values = changed;
    version += 1;
    equivariance.follow(base, movement);
    refresh();
  });
  net = new Net(byId("net"), byId("large"), model, {
    need: refresh,
    point: (text, box) => {
      byId("cell").textContent = text || "\u00a0";
      input.mark(box);
    },
    choose: (text) => { byId("large-text").textContent = text; },
    ask: products,
  });

  byId("input-hint").textContent = input.signal ? "Drag the curve. Keys: left and right to a place, up and down to change it."
    : `${model.input.shape.slice(0, -1).join(" × ")}${model.input.shape.length > 3 ? ", of which the middle slice is shown" : ""}; draw with the mouse. Keys: arrows to a place, space to draw.`;
  const [drawn, ...others] = model.inputs;
  byId("inputs").hidden = !others.length;
  byId("inputs").textContent = `Drawn: ${drawn}. ${model.follow ? "From the example" : "Always 0"}: ${others.join(", ")}.`;
  byId("clear").onclick = () => input.clear();
  byId("invert").onclick = () => input.invert();
  byId("reset").onclick = () => input.reset();
  byId("erase").onchange = (event) => { input.erasing = event.target.checked; };
  byId("erase").parentElement.hidden = input.signal;
  byId("example").max = model.examples - 1;
  const load = latest(async () => {
    const at = Math.max(0, Math.min(model.examples - 1, Math.floor(Number(byId("example").value) || 0)));
    const target = model.targets ? model.targets[at] : null;
    input.set(await fetchExample(at));
    byId("target").textContent = target === null ? "" : `label: ${model.labels?.[target] ?? target}`;
  });
  byId("example").oninput = load;
  byId("upload").onchange = async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    try {
      input.set(await decodeFile(file));
      byId("target").textContent = file.name;
      report(null);
    } catch (error) {
      report(error);
    }
    event.target.value = "";
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => input.draw());
  await load();
}

start().catch(report);
