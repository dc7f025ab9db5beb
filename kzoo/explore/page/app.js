// The page: connects the input with the models that work on it.

import { InputPanel } from "./input.js";
import { latest, reporter } from "./latest.js";
import { ModelView } from "./model_view.js";

const byId = (id) => document.getElementById(id);
const report = reporter(byId("message"));
const recorded = document.documentElement.dataset.source === "recording";

function describeInput({ shape }, signal) {
  const sizes = `${shape.slice(0, -1).join(" × ")}${shape.length > 3 ? ", of which the middle slice is shown" : ""}`;
  if (recorded) return `${sizes}${signal ? " positions" : ""}.`;
  return signal ? "Drag the curve. Keys: left and right to a position, up and down to change its value."
    : `${sizes}; draw with the mouse. Keys: arrows to a pixel, space to draw.`;
}

function describeOthers({ inputs: [drawn, ...others], follow }) {
  if (!others.length) return "";
  return `${recorded ? "Shown" : "Drawn"}: ${drawn}. ${follow ? "From the example" : "Always 0"}: ${others.join(", ")}.`;
}

async function start() {
  const source = await import(recorded ? "./recording.js" : "./api.js");
  const models = await source.fetchModels(), [{ input: format, examples, targets, labels, origin }] = models;
  const names = models.map((model) => model.name).join(" and ");
  byId("title").textContent = `${names} at work`;
  document.title = `${names} - kzoo explore`;
  byId("origin").textContent = models.length === 1 ? `${origin}.` : `Examples and labels are those of ${models[0].name}.`;
  if (recorded) {
    const command = `kzoo explore ${models.map((model) => model.name).join(" ")}`;
    byId("recording").textContent = `This is a recording of ${examples} example${examples === 1 ? "" : "s"}; drawing, sliders and files need the model${models.length === 1 ? "" : "s"}, which ${command} runs.`;
  }
  document.querySelector("main").classList.toggle("two", models.length > 1);

  const marks = models.map(() => null);
  let views = [], example = 0, version = 0, named = null;
  const input = new InputPanel(byId("input"), byId("sliders"), format, !recorded, (values, base, movement) => {
    version += 1;
    if (base !== named) byId("target").textContent = ""; // drawn on
    views.forEach((view) => view.show({ values, base, movement, example, version }));
  });
  views = models.map((model, number) => {
    const element = byId("model").content.firstElementChild.cloneNode(true);
    document.querySelector("main").append(element);
    return new ModelView(element, source, number, model, (box) => {
      marks[number] = box;
      input.mark(box || marks.find(Boolean) || null);
    });
  });

  const name = (text) => { // says what the input is until it is drawn on
    named = input.base;
    byId("target").textContent = text;
  };
  byId("input-hint").textContent = describeInput(format, input.signal);
  byId("inputs").textContent = [...new Set(models.map(describeOthers))].join(" ");
  byId("clear").onclick = () => input.clear();
  byId("invert").onclick = () => input.invert();
  byId("reset").onclick = () => input.reset();
  byId("erase").onchange = (event) => { input.erasing = event.target.checked; };
  byId("erase").parentElement.hidden = input.signal;
  byId("example").max = examples - 1;
  const asked = () => Math.max(0, Math.min(examples - 1, Math.floor(Number(byId("example").value) || 0)));
  const load = latest(async () => {
    const at = asked();
    const target = targets ? targets[at] : null, values = await source.fetchExample(at);
    example = at;
    input.set(values);
    name(target === null ? "" : `label: ${labels?.[target] ?? target}`);
  }, report);
  byId("example").oninput = load;
  byId("example").onchange = () => { byId("example").value = asked(); };
  byId("upload").onchange = async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    try {
      input.set(await source.decodeFile(file));
      name(file.name);
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
