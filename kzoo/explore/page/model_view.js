// One model at work: its predictions, the maps of its layers, one of them large, and the products of a chosen cell.

import { drawMap } from "./colours.js";
import { Equivariance } from "./equivariance.js";
import { LabelMap } from "./label_map.js";
import { latest, reporter } from "./latest.js";
import { LayerMaps } from "./layer_maps.js";
import { headingOf, showOutputs } from "./outputs.js";
import { showProducts } from "./products.js";
import { UnitViews } from "./unit_views.js";

export class ModelView {
  // element: a copy of the page's template; source: the functions of api.js or recording.js; number: of the model
  // there; mark: called with the part of the input that a cell depends on, or with null.
  constructor(element, source, number, model, mark) {
    Object.assign(this, { element, source, number, model, input: null, shown: null, summed: null });
    const report = reporter(this.part("message"));
    this.refresh = latest(() => this.run(), report);
    this.products = latest(() => this.sum(), report);
    this.part("name").textContent = model.name;
    this.part("origin").textContent = `${model.origin}.`;
    for (const panel of element.querySelectorAll(".panel")) {
      panel.setAttribute("aria-label", `${panel.querySelector("h2").textContent} of ${model.name}`);
    }
    drawMap(this.part("scale").querySelector("canvas"), Float32Array.from({ length: 256 }, (_, k) => k), 256, 1, [0, 255]);
    this.labelMap = new LabelMap(this.part("label-map"), model.labels);
    this.equivariance = new Equivariance(this.part("equivariance-panel"), model, (asked) => source.fetchEquivariance(number, asked));
    this.unit = new UnitViews(this.part("unit"), model, (...asked) => source.fetchUnit(number, ...asked));
    this.part("large-panel").onkeydown = (event) => { if (event.key === "Escape") this.layers.focusChosen(); };
    this.layers = new LayerMaps(this.part("layers"), this.part("large"), model, {
      need: this.refresh,
      point: (text, box) => {
        this.part("cell").textContent = text || "\u00a0";
        if (String(this.layers.summed()?.cell) !== String(this.summed?.cell)) this.products();
        mark(box);
      },
      choose: (text) => { this.part("large-text").textContent = text; },
      ask: () => this.explain(),
      enter: () => this.part("unit").querySelector("details:not([hidden]) summary").focus(),
    });
  }

  part(name) {
    return this.element.querySelector(`.${name}`);
  }

  // Shows the outputs and maps for an input: {values, base: those before they are moved, movement: what they are moved by,
  // example: the number of the example, version: another for each input}.
  show(input) {
    this.input = input;
    this.equivariance.follow(input);
    return this.refresh();
  }

  async run() {
    const { input, layers } = this, fresh = input !== this.shown;
    if (!input) return;
    const wanted = layers.wanted().filter((step) => fresh || !layers.found.has(step));
    if (!fresh && !wanted.length) return;
    const result = await this.source.run(this.number, input, wanted);
    this.part("outputs-kind").textContent = headingOf(result.kind, this.model.unit);
    showOutputs(this.part("outputs"), result, this.model);
    this.labelMap.show(result.labelMap, result.outputs.length);
    layers.update(result.maps, fresh);
    this.shown = input;
    this.explain();
  }

  // Shows what is known of the chosen cell and its unit.
  explain() {
    this.products();
    this.unit.show(this.layers.chosen, this.shown);
  }

  async sum() {
    const cell = this.layers.summed(), step = cell && this.model.steps[cell.step];
    this.summed = cell;
    const found = step?.convolution ? await this.source.fetchCell(this.number, this.input, cell) : null;
    showProducts(this.part("sums"), found, step, cell);
  }
}
