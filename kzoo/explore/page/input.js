// The input: an example, an upload or a drawing, with sliders that move it; drawn on with the mouse or by keys.

import { drawImage, limits } from "./colours.js";
import { IDENTITY, origin, transform } from "./transform.js";

const SLIDERS = [
  { key: "x", name: "Shift right", side: "width", step: 1, unit: "px", times: 1 },
  { key: "y", name: "Shift down", side: "height", step: 1, unit: "px", times: 1, images: true },
  { key: "angle", name: "Rotate", min: -180, max: 180, step: 1, unit: "°", times: 1, images: true },
  { key: "size", name: "Size", min: 0.3, max: 2, step: 0.01, unit: "%", times: 100 },
  { key: "noise", name: "Noise", min: 0, max: 0.5, step: 0.01, unit: "%", times: 100 },
];
const BRUSH = 0.045; // radius, as a part of the width
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class InputPanel {
  // live: whether the input can be changed; change: called with its numbers, those before the sliders move it, and what
  // they move it by whenever these change.
  constructor(canvas, sliders, { shape, low, high }, live, change) {
    const channels = shape.at(-1), spatial = shape.slice(0, -1);
    const [width, height, depth] = [...spatial].reverse().concat(1, 1);
    this.size = { depth, width, height, channels };
    this.rank = spatial.length;
    this.signal = this.rank === 1;
    Object.assign(this, { canvas, low, high, change, settings: { ...IDENTITY }, cursor: null, erasing: false, box: null });
    this.base = new Float32Array(shape.reduce((a, b) => a * b, 1));
    canvas.className = this.signal ? "signal" : "image";
    if (!this.signal) canvas.style.aspectRatio = `${width} / ${height}`;
    this.addSliders(sliders);
    if (live) this.listen();
    else {
      canvas.removeAttribute("tabindex");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", "Input");
    }
  }

  addSliders(parent) {
    this.sliders = SLIDERS.filter((slider) => !slider.images || !this.signal).map((slider) => {
      const label = document.createElement("label"), input = document.createElement("input");
      const value = document.createElement("output");
      label.className = "slider";
      const half = Math.floor(this.size[slider.side] / 2);
      Object.assign(input, { type: "range", min: slider.min ?? -half, max: slider.max ?? half, step: slider.step });
      input.dataset.key = slider.key;
      label.append(slider.name, input, value);
      parent.append(label);
      const show = () => { value.textContent = `${Math.round(this.settings[slider.key] * slider.times)} ${slider.unit}`; };
      input.addEventListener("input", () => {
        this.settings[slider.key] = Number(input.value);
        show();
        this.update();
      });
      return () => { input.value = this.settings[slider.key]; show(); };
    });
    this.reset();
  }

  // Returns what the sliders move the example by, [factor, degrees, pixels along each axis], or null if by nothing.
  movement() {
    const { x, y, angle, size } = this.settings;
    return x || y || angle || size !== 1 ? [size, 0 - angle, ...[0, y, x].slice(-this.rank)] : null;
  }

  reset() {
    Object.assign(this.settings, IDENTITY);
    this.sliders.forEach((show) => show());
    this.update();
  }

  set(values) {
    this.base = values;
    this.update();
  }

  clear() {
    this.set(new Float32Array(this.base.length).fill(this.signal ? Math.max(this.low, Math.min(0, this.high)) : this.low));
  }

  invert() {
    this.set(this.base.map((value) => (this.signal ? -value : this.low + this.high - value)));
  }

  update() {
    this.values = transform(this.base, this.size, this.settings, this.low, this.high);
    this.draw();
    this.change(this.values, this.base, this.movement());
  }

  // Marks a part of the input, [first, last] for each spatial axis, or nothing.
  mark(box) {
    this.box = box;
    this.draw();
  }

  draw() {
    if (this.signal) this.drawSignal();
    else {
      const { depth, width, height, channels } = this.size;
      const slice = width * height * channels, start = Math.floor(depth / 2) * slice;
      drawImage(this.canvas, this.values.subarray(start, start + slice), width, height, channels, [this.low, this.high]);
    }
    const overlay = this.overlay();
    const [xs, ys] = this.box ? [...this.box].reverse().concat([[0, 0]]) : [null, null];
    this.place(overlay.box, xs && [xs[0], this.signal ? null : ys[0], xs[1] - xs[0] + 1, this.signal ? null : ys[1] - ys[0] + 1]);
    this.place(overlay.cursor, this.cursor && [this.cursor[0], this.signal ? null : this.cursor[1], 1, this.signal ? null : 1]);
  }

  overlay() {
    if (!this.marks) {
      const wrapper = document.createElement("div");
      wrapper.className = "input-box map";
      this.canvas.replaceWith(wrapper);
      const [box, cursor] = [document.createElement("div"), document.createElement("div")];
      box.className = cursor.className = "cursor";
      wrapper.append(this.canvas, box, cursor);
      this.marks = { box, cursor };
    }
    return this.marks;
  }

  place(element, rectangle) {
    element.hidden = !rectangle;
    if (!rectangle) return;
    const { width, height } = this.size, [x, y, w, h] = rectangle;
    const percent = (part, all) => `${(100 * part) / all}%`;
    element.style.setProperty("--x", percent(x, width));
    element.style.setProperty("--w", percent(w, width));
    element.style.setProperty("--y", y === null ? "0" : percent(y, height));
    element.style.setProperty("--h", h === null ? "100%" : percent(h, height));
  }

  // The values that the height of the plot of a signal stands for.
  range() {
    const margin = 0.05 * (this.high - this.low);
    const [low, high] = limits(this.values);
    return [Math.min(low, this.low) - margin, Math.max(high, this.high) + margin];
  }

  drawSignal() {
    const { width, channels } = this.size, canvas = this.canvas, wide = 560, tall = 280;
    if (canvas.width !== wide) [canvas.width, canvas.height] = [wide, tall];
    const context = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    const [low, high] = this.range(), y = (value) => ((high - value) / (high - low)) * tall;
    context.clearRect(0, 0, wide, tall);
    context.strokeStyle = style.getPropertyValue("--line");
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(0, y(0));
    context.lineTo(wide, y(0));
    context.stroke();
    context.strokeStyle = style.getPropertyValue("--bar");
    context.lineWidth = 2;
    for (let channel = 0; channel < Math.min(channels, 8); channel++) {
      context.beginPath();
      for (let t = 0; t < width; t++) context.lineTo(((t + 0.5) / width) * wide, y(this.values[t * channels + channel]));
      context.stroke();
    }
  }

  listen() {
    let before = null;
    const point = (event) => {
      const area = this.canvas.getBoundingClientRect(), { width, height } = this.size;
      return [((event.clientX - area.left) / area.width) * width - 0.5, (event.clientY - area.top) / area.height, height];
    };
    const stroke = (event) => {
      const [x, part, height] = point(event);
      if (this.signal) {
        const [low, high] = this.range(), value = high - part * (high - low);
        this.drag(before || [x, value], [x, value]);
        before = [x, value];
      } else {
        const end = [x, part * height - 0.5];
        this.paint(before || end, end);
        before = end;
      }
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.canvas.setPointerCapture(event.pointerId);
      stroke(event);
    });
    this.canvas.addEventListener("pointermove", (event) => before && stroke(event));
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, () => { before = null; });
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("blur", () => { this.cursor = null; this.draw(); });
  }

  key(event) {
    const { width, height } = this.size, arrow = ARROWS[event.key];
    if ((!arrow && event.key !== " ") || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    this.cursor ||= [Math.floor(width / 2), Math.floor(height / 2)];
    const [x, y] = this.cursor;
    if (this.signal && arrow && arrow[1]) {
      const at = Math.round(this.source(x, 0)[0]), step = (this.high - this.low) / 40;
      const now = this.base[at * this.size.channels];
      this.drag([x, now - arrow[1] * step], [x, now - arrow[1] * step]);
    } else if (arrow) {
      const pace = Math.max(1, Math.round(width / 64));
      this.cursor = [(x + arrow[0] * pace + width) % width, (y + arrow[1] * pace + height) % height];
      this.draw();
    } else if (!this.signal) this.paint(this.cursor, this.cursor);
  }

  // Returns the place in the example, before it is moved, of a place in the input.
  source(x, y) {
    return origin(this.size, this.settings, x, y);
  }

  // Paints a line with soft ends from one place of the input to another.
  paint(from, to) {
    const { depth, width, height, channels } = this.size;
    const [x0, y0] = this.source(...from), [x1, y1] = this.source(...to);
    const radius = Math.max(0.8, BRUSH * Math.min(width, height)), length = (x1 - x0) ** 2 + (y1 - y0) ** 2;
    const reach = Math.ceil(radius + 1), value = this.erasing ? this.low : this.high;
    const base = this.base.slice();
    for (let y = Math.max(0, Math.floor(Math.min(y0, y1)) - reach); y <= Math.min(height - 1, Math.max(y0, y1) + reach); y++) {
      for (let x = Math.max(0, Math.floor(Math.min(x0, x1)) - reach); x <= Math.min(width - 1, Math.max(x0, x1) + reach); x++) {
        const along = length ? Math.max(0, Math.min(1, ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length)) : 0;
        const distance = Math.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0));
        const share = Math.max(0, Math.min(1, radius + 0.5 - distance));
        for (let d = 0; d < depth && share; d++) {
          for (let c = 0; c < channels; c++) {
            const at = ((d * height + y) * width + x) * channels + c, old = base[at];
            const mixed = old + share * (value - old); // soft edges never undo what was painted
            base[at] = this.erasing ? Math.min(old, mixed) : Math.max(old, mixed);
          }
        }
      }
    }
    this.set(base);
  }

  // Sets a signal to the line between two points (place in the input, value).
  drag([x0, v0], [x1, v1]) {
    const { width, channels } = this.size, [a] = this.source(x0, 0), [b] = this.source(x1, 0);
    const base = this.base.slice(), first = Math.round(Math.min(a, b)), last = Math.round(Math.max(a, b));
    for (let t = Math.max(0, first); t <= Math.min(width - 1, last); t++) {
      const share = a === b ? 1 : Math.max(0, Math.min(1, (t - a) / (b - a)));
      base.fill(v0 + share * (v1 - v0), t * channels, (t + 1) * channels);
    }
    this.set(base);
  }
}
