// The input: an example, an upload or a drawing, moved by sliders, and drawn on with the mouse or by keys.

import { arrowOf, hasModifier, placeMark } from "./cells.js";
import { drawImage, limits } from "./colours.js";
import { element } from "./element.js";
import { paintLine, paintSegment } from "./painting.js";
import { drawSignal } from "./signal_plot.js";
import { Sliders } from "./sliders.js";
import { origin, transform } from "./transform.js";

export class InputPanel {
  // live: whether the input can be changed; change: called with its numbers, those before the sliders move it, and what
  // they move it by whenever these change.
  constructor(canvas, sliders, { shape, low, high }, live, change) {
    const channels = shape.at(-1), spatial = shape.slice(0, -1);
    const [width, height, depth] = [...spatial].reverse().concat(1, 1);
    this.size = { depth, width, height, channels };
    this.signal = spatial.length === 1;
    Object.assign(this, { canvas, low, high, change, cursor: null, erasing: false, box: null });
    this.base = new Float32Array(shape.reduce((a, b) => a * b, 1));
    canvas.className = this.signal ? "signal" : "image";
    if (!this.signal) canvas.style.aspectRatio = `${width} / ${height}`;
    this.marks = { box: element("div", "", "cursor"), cursor: element("div", "", "cursor") };
    const wrapper = element("div", "", "input-box map");
    canvas.replaceWith(wrapper);
    wrapper.append(canvas, this.marks.box, this.marks.cursor);
    this.sliders = new Sliders(sliders, this.size, spatial.length, () => this.update());
    this.update();
    if (live) this.listen();
    else {
      canvas.removeAttribute("tabindex");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", "Input");
    }
  }

  reset() {
    this.sliders.reset();
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
    this.values = transform(this.base, this.size, this.sliders.settings, this.low, this.high);
    this.draw();
    this.change(this.values, this.base, this.sliders.movement());
  }

  // Marks a part of the input, [first, last] for each spatial axis, or nothing.
  mark(box) {
    this.box = box;
    this.draw();
  }

  draw() {
    const { depth, width, height, channels } = this.size;
    if (this.signal) drawSignal(this.canvas, this.values, width, channels, this.range());
    else {
      const slice = width * height * channels, start = Math.floor(depth / 2) * slice;
      drawImage(this.canvas, this.values.subarray(start, start + slice), width, height, channels, [this.low, this.high]);
    }
    this.place(this.marks.box, this.box);
    this.place(this.marks.cursor, this.cursor && [...this.cursor].reverse().map((at) => [at, at]));
  }

  place(mark, box) {
    mark.hidden = !box;
    if (box) placeMark(mark, box.slice(this.signal ? -1 : -2), [this.size.height, this.size.width]);
  }

  // The values that the height of the plot of a signal stands for.
  range() {
    const margin = 0.05 * (this.high - this.low);
    const [low, high] = limits(this.values);
    return [Math.min(low, this.low) - margin, Math.max(high, this.high) + margin];
  }

  listen() {
    let before = null;
    const stroke = (event) => {
      const area = this.canvas.getBoundingClientRect(), { width, height } = this.size, [low, high] = this.range();
      const x = ((event.clientX - area.left) / area.width) * width - 0.5, part = (event.clientY - area.top) / area.height;
      const end = [x, this.signal ? high - part * (high - low) : part * height - 0.5];
      this.paint(before || end, end);
      before = end;
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
    const { width, height } = this.size, arrow = arrowOf(event), space = event.key === " " && !hasModifier(event);
    if (!arrow && !space) return;
    event.preventDefault();
    this.cursor ||= [Math.floor(width / 2), Math.floor(height / 2)];
    const [x, y] = this.cursor;
    if (this.signal && arrow?.[1]) {
      const at = Math.round(this.source(x, 0)[0]), step = (this.high - this.low) / 40;
      const point = [x, this.base[at * this.size.channels] - arrow[1] * step];
      this.paint(point, point);
    } else if (arrow) {
      const pace = Math.max(1, Math.round(width / 64));
      this.cursor = [(x + arrow[0] * pace + width) % width, (y + arrow[1] * pace + height) % height];
      this.draw();
    } else if (!this.signal) this.paint(this.cursor, this.cursor);
  }

  // Returns the point of the example, before it is moved, that is at a point of the input.
  source(x, y) {
    return origin(this.size, this.sliders.settings, x, y);
  }

  // Draws a line from one point of the input to another: [x, y] of an image, [x, value] of a signal.
  paint(from, to) {
    if (this.signal) {
      const [start, end] = [from, to].map(([x, value]) => [this.source(x, 0)[0], value]);
      this.set(paintSegment(this.base, this.size, start, end));
    } else {
      const value = this.erasing ? this.low : this.high;
      this.set(paintLine(this.base, this.size, this.source(...from), this.source(...to), value, this.erasing));
    }
  }
}
