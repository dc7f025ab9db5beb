// The maps of all layers in columns, stage by stage; a cell that is pointed at shows what it depends on.

import { drawMap, limits } from "./colours.js";
import { fieldsOf } from "./fields.js";

const number = (value) => (Number.isFinite(value) ? String(Number(value.toPrecision(4))) : "not a number");
const percent = (part, all) => `${(100 * part) / all}%`;
const times = (sizes) => sizes.join(" × ");

// Returns how a map is drawn, {width, height}: units without positions in rows.
function layout({ vector }, shape) {
  if (!vector) return { width: shape.at(-1), height: shape.length > 2 ? shape.at(-2) : 1 };
  const width = shape[1] <= 32 ? shape[1] : Math.ceil(Math.sqrt(shape[1]));
  return { width, height: Math.ceil(shape[1] / width) };
}

export class Net {
  // point: called with a description and the part of the input when a cell is pointed at, or with null; need: when
  // layers come into view whose maps are not there; choose: with a description of the large map; ask: when a cell is
  // chosen; enter: when it is chosen again by key.
  constructor(element, large, { steps }, { point, need, choose, ask, enter }) {
    Object.assign(this, { element, large, steps, point, need, choose, ask, enter, found: new Map(), ranges: new Map(), views: new Map() });
    this.visible = new Set();
    this.pointed = this.chosen = null; // {step, channel, x, y} of a map as it is drawn; of what is chosen also its cell and unit
    this.columns = this.build();
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
      area.addEventListener("pointermove", (event) => this.pointAt(event));
      area.addEventListener("pointerleave", () => this.show(null));
    }
    for (const area of [element, large]) area.addEventListener("click", (event) => this.pick(event.target.closest(".map")));
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("focusin", (event) => this.focus(event.target.closest(".layer")));
    element.addEventListener("focusout", () => this.show(null));
  }

  build() {
    let stage = null, sizes = null, columns = null;
    return this.steps.map((step, at) => {
      const name = step.vector ? "units" : times(step.shape);
      if (name !== sizes) {
        stage = document.createElement("section");
        stage.className = "stage";
        stage.innerHTML = '<h3></h3><div class="columns"></div>';
        stage.firstChild.textContent = name;
        columns = stage.lastChild;
        this.element.append(stage);
        sizes = name;
      }
      const column = document.createElement("div");
      column.className = "layer";
      column.dataset.step = at;
      column.tabIndex = 0;
      column.setAttribute("role", "group");
      column.innerHTML = "<h4></h4><p></p><p></p><div class=maps></div>";
      column.children[0].textContent = column.title = step.path;
      column.children[1].textContent = step.kind;
      column.children[2].textContent = "\u00a0";
      column.setAttribute("aria-label", `${step.path}, ${step.kind}, ${step.vector ? step.shape + " units" : step.channels + " maps of " + name}`);
      const across = step.vector || step.shape.length === 1 || step.channels === 1 ? 1 : Math.min(4, Math.ceil(Math.sqrt(step.channels)));
      column.style.setProperty("--across", across);
      column.style.setProperty("--wide", `${across === 1 ? 150 : Math.max(130, 58 * across + 3)}px`);
      columns.append(column);
      return column;
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
    column.children[2].textContent = `${count}, ${number(low)} to ${number(high)}`;
    column.children[2].title = column.children[2].textContent;
    let canvases = this.views.get(at);
    if (!canvases) {
      canvases = Array.from({ length: shown }, (_, channel) => {
        const view = this.makeView(at, channel, height);
        column.children[3].append(view);
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
      this.choose(`${path} (${kind}), ${vector ? "unit" : "map"} ${this.chosen.unit}, ${own.map(number).join(" to ")}`);
    }
  }

  makeView(step, channel, height) {
    const view = document.createElement("div");
    view.className = height === 1 ? "map strip" : "map";
    Object.assign(view.dataset, { step, channel });
    view.append(document.createElement("canvas"));
    return view;
  }

  pointAt(event) {
    const view = event.target.closest(".map");
    if (!view) return this.show(null);
    const step = Number(view.dataset.step), channel = Number(view.dataset.channel), map = this.found.get(step);
    if (!map) return undefined;
    const area = view.firstChild.getBoundingClientRect(), { width, height } = layout(this.steps[step], map.shape);
    const at = (place, start, all, n) => Math.max(0, Math.min(n - 1, Math.floor(((place - start) / all) * n)));
    const x = at(event.clientX, area.left, area.width, width), y = at(event.clientY, area.top, area.height, height);
    return this.show({ step, channel, x, y });
  }

  // Shows a cell, its value, and what it depends on.
  show(pointed) {
    this.pointed = pointed;
    const map = pointed && this.found.get(pointed.step);
    this.columns.forEach((column) => column.classList.remove("seen", "own"));
    this.active?.classList.remove("active");
    this.active = null;
    if (!map) return this.point(null, null);
    const { step: at, channel, x, y } = pointed, step = this.steps[at], { width } = layout(step, map.shape);
    const length = map.values.length / map.shape[0];
    if (step.vector && y * width + x >= length) return this.point(null, null);
    const cell = this.position(at, pointed);
    const { boxes, status } = fieldsOf(this.steps, at, cell);
    const origin = this.origin(at, channel, cell, boxes);
    for (const [source, box] of boxes) {
      if (box) this.mark(source, box);
    }
    this.columns[at].classList.add("own");
    this.active = this.views.get(at)?.[channel]?.parentElement;
    this.active?.classList.add("active");
    const value = number(map.values[channel * length + y * width + x]);
    const place = step.vector ? `unit ${y * width + x}` : `map ${channel}, position ${cell.join(", ")}`;
    const input = boxes.get(0);
    const sees = at === 0 ? "" : input ? `; it depends on ${times(input.map(([a, b]) => b - a + 1))} of the input (${status})` : "";
    return this.point(`${step.path}, ${place}: ${value}${origin}${sees}.`, input || null);
  }

  // Says which cell a max pooling takes its value from, the first of equal ones, or where a value that max unpooling
  // returned was: in the cell of the same part of the pooled map.
  origin(at, channel, cell, boxes) {
    const { kind, sources, shape } = this.steps[at], source = sources[0]?.step, box = boxes.get(source);
    const map = this.found.get(source), before = this.steps[source]?.shape;
    if (!/^Max(Pooling|PoolingWithArgmax|Unpooling)[12]D$/.test(kind) || !box || !map || channel >= map.shape[0]) return "";
    const value = (place) => map.values[place.reduce((sum, position, axis) => sum * before[axis] + position, channel)];
    if (kind.startsWith("MaxUnpooling")) {
      const own = this.found.get(at).values[cell.reduce((sum, position, axis) => sum * shape[axis] + position, channel)];
      const place = cell.map((position, axis) => Math.floor((position * before[axis]) / shape[axis]));
      return own && value(place) === own ? `, returned from position ${place.join(", ")} of ${this.steps[source].path}` : "";
    }
    let places = [[]];
    for (const [first, last] of box) {
      places = places.flatMap((place) => Array.from({ length: last - first + 1 }, (_, k) => [...place, first + k]));
    }
    const best = places.reduce((most, place) => (value(place) > value(most) ? place : most));
    return `, from position ${best.join(", ")} of ${this.steps[source].path}`;
  }

  mark(at, box) {
    const { shape } = this.steps[at], [xs, ys] = [...box].reverse(), [w, h] = [...shape].reverse();
    const column = this.columns[at];
    const style = { x: percent(xs[0], w), w: percent(xs[1] - xs[0] + 1, w), y: ys ? percent(ys[0], h) : "0", h: ys ? percent(ys[1] - ys[0] + 1, h) : "100%" };
    for (const [key, value] of Object.entries(style)) column.style.setProperty(`--${key}`, value);
    column.classList.add("seen");
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

  // Returns a cell as a position along each axis of the step's map.
  position(at, { x, y }) {
    const { vector, shape } = this.steps[at];
    return vector ? [] : [...(shape.length === 3 ? [Math.floor(shape[0] / 2)] : []), ...(shape.length > 1 ? [y] : []), x];
  }

  focus(column) {
    if (!column || !column.matches(":focus-visible")) return;
    const step = Number(column.dataset.step);
    if (!this.found.has(step) || this.pointed?.step === step) return;
    this.show(this.chosen?.step === step ? this.chosen : { step, channel: 0, ...this.middle(step) });
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
    if (!map || event.ctrlKey || event.altKey || event.metaKey) return;
    const at = this.pointed?.step === step ? this.pointed : { step, channel: 0, ...this.middle(step) };
    const { width, height } = layout(this.steps[step], map.shape), count = map.shape[0];
    const moves = {
      ArrowLeft: { x: Math.max(0, at.x - 1) }, ArrowRight: { x: Math.min(width - 1, at.x + 1) },
      ArrowUp: { y: Math.max(0, at.y - 1) }, ArrowDown: { y: Math.min(height - 1, at.y + 1) },
      PageUp: { channel: Math.max(0, at.channel - 1) }, PageDown: { channel: Math.min(count - 1, at.channel + 1) },
    };
    if (event.key === "Enter") {
      const before = this.chosen;
      this.pick(this.views.get(step)[at.channel].parentElement);
      if (before?.step === step && before.unit === this.chosen.unit) this.enter();
    } else if (moves[event.key]) {
      this.show({ ...at, ...moves[event.key] });
      this.active?.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else return;
    event.preventDefault();
  }
}
