// The maps of all layers in columns, stage by stage; a cell that is pointed at shows what it depends on.

import { arrowOf, cellAt, clampCell, hasModifier, isAt, placeMark } from "./cells.js";
import { drawMap, limits } from "./colours.js";
import { element as makeElement } from "./element.js";
import { addColumns } from "./layer_columns.js";
import { describeField, fieldsOf } from "./receptive_fields.js";
import { valueOrigin } from "./value_origin.js";

const number = (value) => (Number.isFinite(value) ? String(Number(value.toPrecision(4))) : "not a number");

// Returns how a map is drawn, {width, height}: units without positions in rows.
function layout({ vector }, shape) {
  if (!vector) return { width: shape.at(-1), height: shape.length > 2 ? shape.at(-2) : 1 };
  const width = shape[1] <= 32 ? shape[1] : Math.ceil(Math.sqrt(shape[1]));
  return { width, height: Math.ceil(shape[1] / width) };
}

// Returns ", by …" for a cell of a convolution with several kernels for a map, else "".
function kernelOf({ kind, tile }, cell) {
  if (!tile.length) return "";
  if (kind.startsWith("LocallyConnected")) return ", by a kernel of its own";
  return `, by kernel ${cell.map((at, axis) => at % tile[axis]).join(", ")} of the tile`;
}

export class LayerMaps {
  // point: called with a description and the part of the input when a cell is pointed at, or with null; need: when
  // layers come into view whose maps are not there; choose: with a description of the large map; ask: when a cell is
  // chosen; enter: when it is chosen again by key.
  constructor(element, large, { steps }, { point, need, choose, ask, enter }) {
    Object.assign(this, { element, large, steps, point, need, choose, ask, enter, found: new Map(), ranges: new Map(), views: new Map() });
    this.visible = new Set();
    this.moved = null; // the mouse's latest event
    this.active = []; // maps that are pointed at, or of which a part is marked
    this.pointed = this.keyed = this.chosen = null; // {step, channel, x, y} of a map as it is drawn; keyed: by the keyboard; of what is chosen also its cell and unit
    this.columns = addColumns(element, steps);
    const seen = (entries) => {
      for (const { target, isIntersecting } of entries) {
        const step = Number(target.dataset.step);
        if (isIntersecting) this.visible.add(step);
        else this.visible.delete(step);
      }
      if ([...this.visible].some((step) => !this.found.has(step))) this.need();
      for (const step of this.visible) this.draw(step);
    };
    const observer = new IntersectionObserver(seen, { rootMargin: "200px" });
    this.columns.forEach((column) => observer.observe(column));
    for (const area of [element, large]) {
      area.addEventListener("pointermove", (event) => {
        this.moved = event;
        this.pointAt(event);
      });
      area.addEventListener("pointerleave", () => this.showFocused());
      area.addEventListener("click", (event) => {
        if (!this.pointed || !isAt(this.moved, event)) this.pointAt(event); // a finger points at nothing before
        this.pick(event.target.closest(".map"));
      });
    }
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("focusin", (event) => this.focus(event.target.closest(".layer")));
    element.addEventListener("focusout", (event) => { // by the mouse, it may already point at another layer
      if (Number(event.target.dataset.step) === this.pointed?.step) this.show(null);
    });
  }

  // Takes new maps and draws those in view.
  update(maps, fresh) {
    if (fresh) this.found.clear();
    for (const [step, map] of maps) {
      this.found.set(step, map);
      this.ranges.set(step, limits(map.values));
      if (this.visible.has(step) || this.chosen?.step === step) this.draw(step);
    }
    if (this.pointed) this.show(this.pointed);
    else this.showFocused(); // the keyboard may have reached a layer before its maps were there
  }

  // The layers whose maps are needed now.
  wanted() {
    const wanted = new Set(this.visible);
    if (this.chosen) wanted.add(this.chosen.step);
    return [...wanted].sort((a, b) => a - b);
  }

  draw(at) {
    const map = this.found.get(at), step = this.steps[at], column = this.columns[at];
    if (!map) return;
    const [low, high] = this.ranges.get(at), shown = map.shape[0], { width, height } = layout(step, map.shape);
    const count = step.vector ? `${step.shape[0] ?? 1} units` : shown < step.channels ? `${shown} of ${step.channels} maps` : `${shown} map${shown === 1 ? "" : "s"}`;
    const text = column.querySelector(".range");
    text.textContent = text.title = `${count}, ${number(low)} to ${number(high)}`;
    let canvases = this.views.get(at);
    if (!canvases) {
      canvases = Array.from({ length: shown }, (_, channel) => {
        const view = this.makeView(at, channel, height);
        column.querySelector(".maps").append(view);
        return view.firstChild;
      });
      this.views.set(at, canvases);
    }
    const length = map.values.length / shown;
    canvases.forEach((canvas, k) => drawMap(canvas, map.values.subarray(k * length, (k + 1) * length), width, height, [low, high]));
    if (this.chosen?.step === at && this.large.firstChild) {
      const values = map.values.subarray(this.chosen.channel * length, (this.chosen.channel + 1) * length), own = limits(values);
      drawMap(this.large.querySelector("canvas"), values, width, height, own);
      const { kind, vector, path } = step;
      const which = vector ? `unit ${this.chosen.unit}; all ${length} units:` : `map ${this.chosen.unit},`;
      this.choose(`${path} (${kind}), ${which} ${own.map(number).join(" to ")}`);
    }
  }

  makeView(step, channel, height) {
    const view = makeElement("div", "", height === 1 ? "map strip" : "map");
    Object.assign(view.dataset, { step, channel });
    view.append(makeElement("canvas"));
    return view;
  }

  pointAt(event) {
    const view = event.target.closest(".map");
    if (!view) return this.showFocused();
    const step = Number(view.dataset.step), channel = Number(view.dataset.channel), map = this.found.get(step);
    if (!map) return undefined;
    const { width, height } = layout(this.steps[step], map.shape), [x, y] = cellAt(event, view.firstChild, width, height);
    return this.show({ step, channel, x, y });
  }

  // Shows a cell, its value, and what it depends on.
  show(pointed) {
    this.pointed = pointed;
    const map = pointed && this.found.get(pointed.step);
    this.columns.forEach((column) => column.classList.remove("seen", "one", "own"));
    this.active.forEach((view) => view.classList.remove("active"));
    this.active = [];
    if (!map) return this.point(null, null);
    const { step: at, channel, x, y } = pointed, step = this.steps[at], { width } = layout(step, map.shape);
    const length = map.values.length / map.shape[0];
    if (step.vector && y * width + x >= length) return this.point(null, null);
    const cell = this.position(at, pointed);
    const fields = fieldsOf(this.steps, at, cell), { boxes, mixed } = fields;
    const origin = valueOrigin(this.steps, this.found, at, channel, cell, boxes.get(step.sources[0]?.step));
    for (const [source, box] of boxes) {
      if (box) this.mark(source, box, mixed.has(source) ? null : channel);
    }
    this.columns[at].classList.add("own");
    this.activate(at, channel);
    const value = number(map.values[channel * length + y * width + x]);
    const place = step.vector ? `unit ${y * width + x}` : `map ${channel}, position ${cell.join(", ")}`;
    const sees = step.kind === "Input" ? "" : describeField(this.steps, fields);
    return this.point(`${step.path}, ${place}: ${value}${kernelOf(step, cell)}${origin}${sees && `; ${sees}`}.`, boxes.get(0) || null);
  }

  // Marks a part of all maps of a layer, or of one.
  mark(at, box, channel) {
    placeMark(this.columns[at], box.slice(-2), this.steps[at].shape);
    this.columns[at].classList.add("seen");
    if (channel === null) return;
    this.columns[at].classList.add("one");
    this.activate(at, channel);
  }

  activate(at, channel) {
    const view = this.views.get(at)?.[channel]?.parentElement;
    if (!view) return;
    view.classList.add("active");
    this.active.push(view);
  }

  pick(view) {
    if (!view) return;
    const step = Number(view.dataset.step), channel = Number(view.dataset.channel), map = this.found.get(step);
    if (!map) return;
    const cell = this.pointed?.step === step && this.pointed.channel === channel ? this.pointed : this.middle(step);
    const { width, height } = layout(this.steps[step], map.shape);
    const unit = this.steps[step].vector ? Math.min(cell.y * width + cell.x, map.values.length - 1) : channel;
    this.chosen = { step, channel, x: cell.x, y: cell.y, cell: this.position(step, cell), unit };
    this.large.replaceChildren(this.makeView(step, channel, height));
    this.draw(step);
    this.ask();
  }

  // Returns the cell whose products are shown: the one that is pointed at in the chosen map, or the chosen one.
  summed() {
    const { chosen, pointed } = this, inside = chosen && pointed?.step === chosen.step && pointed.channel === chosen.channel;
    return inside ? { ...chosen, cell: this.position(pointed.step, pointed) } : chosen;
  }

  // Returns a cell as a position along each axis of the step's map.
  position(at, { x, y }) {
    const { vector, shape } = this.steps[at];
    return vector ? [] : [...(shape.length === 3 ? [Math.floor(shape[0] / 2)] : []), ...(shape.length > 1 ? [y] : []), x];
  }

  // Shows the cell that the keyboard was at last in a layer, or a first one.
  focus(column) {
    if (!column?.matches(":focus-visible")) return;
    const step = Number(column.dataset.step);
    if (!this.found.has(step) || this.pointed?.step === step) return;
    const cell = [this.keyed, this.chosen].find((known) => known?.step === step) ?? { step, channel: 0, ...this.middle(step) };
    this.showKeyed(cell);
  }

  showKeyed(cell) {
    this.keyed = cell;
    this.show(cell);
  }

  // Shows the layer that has the keyboard's focus, or nothing.
  showFocused() {
    this.show(null);
    this.focus(this.element.querySelector(".layer:focus-visible"));
  }

  focusChosen() {
    this.columns[this.chosen?.step]?.focus();
  }

  middle(step) {
    const { width, height } = layout(this.steps[step], this.found.get(step).shape);
    return { x: Math.floor((width - 1) / 2), y: Math.floor((height - 1) / 2) };
  }

  key(event) {
    const column = event.target.closest(".layer"), step = Number(column?.dataset.step), map = this.found.get(step);
    if (!map || hasModifier(event)) return;
    const at = this.pointed?.step === step ? this.pointed : { channel: 0, ...this.middle(step) };
    const arrow = arrowOf(event), turn = { PageUp: -1, PageDown: 1 }[event.key];
    if (event.key === "Enter") {
      const before = this.chosen;
      this.pick(this.views.get(step)[at.channel].parentElement);
      if (before?.step === step && before.unit === this.chosen.unit) this.enter();
    } else if (arrow || turn) {
      const { width, height } = layout(this.steps[step], map.shape), [right, down] = arrow ?? [0, 0];
      const [x, y] = clampCell(at.x + right, at.y + down, width, height);
      this.showKeyed({ step, channel: Math.max(0, Math.min(map.shape[0] - 1, at.channel + (turn ?? 0))), x, y });
      this.views.get(step)[this.pointed.channel].parentElement.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else return;
    event.preventDefault();
  }
}
