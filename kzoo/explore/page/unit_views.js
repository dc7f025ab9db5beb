// Views of one unit: its filter, its top patches, an input that maximises it, and its deconvnet view of the present
// input. Each is asked for when it is opened.

import { drawImage, drawSigned, limits } from "./colours.js";
import { element } from "./element.js";

const COMPUTING = "computing…";
const CURVES = 8; // channels of a signal that are drawn
const SVG = "http://www.w3.org/2000/svg";

// Returns the curves of a signal (length, channels), and a line at 0.
function curves(values, [length, channels], [low, high]) {
  const svg = document.createElementNS(SVG, "svg"), margin = 0.05 * (high - low) || 1;
  svg.setAttribute("viewBox", "0 0 1 1");
  svg.setAttribute("preserveAspectRatio", "none");
  const line = (points, name) => {
    const made = document.createElementNS(SVG, "polyline");
    made.setAttribute("points", points.map(([x, value]) => `${x},${(high + margin - value) / (high - low + 2 * margin)}`).join(" "));
    made.setAttribute("class", name);
    svg.append(made);
  };
  line([[0, 0], [1, 0]], "zero");
  for (let channel = 0; channel < Math.min(channels, CURVES); channel++) {
    line(Array.from({ length }, (_, t) => [(t + 0.5) / length, values[t * channels + channel]]), "curve");
  }
  return svg;
}

// Returns a figure of an image or signal; limit: of signed numbers; range: of values of the input.
function picture({ title, shape, signed, values }, limit, range) {
  const figure = element("figure"), [low, high] = signed ? [-limit, limit] : range;
  if (shape.length === 2) {
    const [least, most] = limits(values);
    figure.append(curves(values, shape, [Math.min(low, least), Math.max(high, most)]));
  } else {
    const [height, width, channels] = shape, canvas = element("canvas");
    if (signed && channels === 1) drawSigned(canvas, values, width, height, limit);
    else drawImage(canvas, values, width, height, channels, [low, high]);
    figure.append(canvas);
  }
  figure.append(element("figcaption", title));
  return figure;
}

export class UnitViews {
  // parent: has a <details data-view> for each view; model: its steps and its input; fetchView: returns a view of a
  // unit for an input.
  constructor(parent, { steps, input }, fetchView) {
    Object.assign(this, { parent, steps, fetchView, range: [input.low, input.high], chosen: null });
    this.views = [...parent.querySelectorAll("details")].map((details) => {
      const text = element("p"), pictures = element("div", "", "pictures");
      text.setAttribute("role", "status");
      details.append(text, pictures);
      return { details, text, pictures, name: details.dataset.view, shown: "", busy: false };
    });
    for (const view of this.views) view.details.addEventListener("toggle", () => this.refresh(view));
  }

  // Offers the views of a chosen {step, unit} for an input {values, version}; version: changes with the values.
  show(chosen, input) {
    const step = chosen && this.steps[chosen.step], other = chosen?.step !== this.chosen?.step || chosen?.unit !== this.chosen?.unit;
    this.parent.hidden = !step || step.kind === "Input";
    Object.assign(this, { chosen, input });
    for (const view of this.views) {
      if (view.name === "filter") view.details.hidden = !step?.convolution;
      if (other) {
        view.shown = "";
        view.text.textContent = view.details.open ? COMPUTING : "";
        view.pictures.replaceChildren();
      }
      this.refresh(view);
    }
  }

  key({ name }) {
    return [this.chosen.step, this.chosen.unit, name === "deconvnet" ? this.input.version : ""].join();
  }

  // Asks for a view until what is shown is what is chosen; never twice at once.
  async refresh(view) {
    const needed = () => view.details.open && !view.details.hidden && !this.parent.hidden && view.shown !== this.key(view);
    if (view.busy) return;
    view.busy = true;
    while (needed()) {
      const key = this.key(view), { step, unit } = this.chosen;
      view.text.textContent = COMPUTING;
      let found;
      try {
        found = await this.fetchView(this.input, view.name, this.chosen);
      } catch (error) {
        found = { text: error.message, pictures: [] };
      }
      if (step !== this.chosen.step || unit !== this.chosen.unit) continue;
      view.shown = key;
      view.text.textContent = found.text;
      const limit = Math.max(...found.pictures.filter((each) => each.signed).flatMap(({ values }) => limits(values).map(Math.abs)), 1e-30);
      view.pictures.replaceChildren(...found.pictures.map((each) => picture(each, limit, this.range)));
    }
    view.busy = false;
  }
}
