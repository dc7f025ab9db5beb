// The class of each pixel in colours, and in words for the pixel that is pointed at.

import { arrowOf, cellAt, clampCell, placeMark } from "./cells.js";
import { sizedContext } from "./colours.js";

// Okabe & Ito's colours without black, then those farthest from all before them for each kind of colour vision.
export const COLOURS = [
  "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#690f00", "#b4ffd2", "#3c2d5a",
  "#8700ff", "#784b5a", "#0f2db4", "#b4c396", "#9678ff", "#a52d00", "#5ae1ff", "#962d87", "#d2f096", "#d22dd2",
];

export const colourOf = (label) => COLOURS[label % COLOURS.length];

const PIXELS = COLOURS.map((colour) => {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
});

export class LabelMap {
  constructor(element, labels) {
    Object.assign(this, { element, labels, map: null, at: null });
    this.canvas = element.querySelector("canvas");
    this.mark = element.querySelector(".cursor");
    this.text = element.querySelector("p");
    this.canvas.addEventListener("pointermove", (event) => {
      this.point(cellAt(event, this.canvas, this.width, this.height));
    });
    for (const event of ["pointerleave", "blur"]) this.canvas.addEventListener(event, () => { this.at = null; this.describe(); });
    this.canvas.addEventListener("keydown", (event) => {
      const arrow = arrowOf(event);
      if (!arrow) return;
      event.preventDefault();
      const next = this.at ? this.at.map((at, axis) => at + arrow[axis]) : [this.width / 2, this.height / 2];
      this.point(clampCell(...next, this.width, this.height));
    });
  }

  // Takes the classes of pixels, {shape, values}, of a signal or an image; or null of a model with other outputs.
  show(map, classes) {
    this.element.hidden = !map;
    if (!map) return;
    const [width, height] = [...map.shape].reverse().concat(1);
    Object.assign(this, { map, classes, width, height });
    this.canvas.style.aspectRatio = `${width} / ${Math.max(height, width / 8)}`;
    const image = new ImageData(width, height), pixels = new Uint32Array(image.data.buffer);
    map.values.forEach((label, k) => { pixels[k] = PIXELS[label % PIXELS.length]; });
    sizedContext(this.canvas, width, height).putImageData(image, 0, 0);
    this.describe();
  }

  point(cell) {
    this.at = cell;
    this.describe();
  }

  describe() {
    this.mark.hidden = !this.at;
    if (!this.at) {
      const repeated = this.classes > COLOURS.length ? `Colours repeat after ${COLOURS.length} classes. ` : "";
      this.text.textContent = `${repeated}Point, or use the arrow keys, for a pixel's class.`;
      return;
    }
    const [x, y] = this.at, label = this.map.values[y * this.width + x];
    placeMark(this.mark, [[y, y], [x, x]], [this.height, this.width]);
    this.text.textContent = `Position ${[y, x].slice(-this.map.shape.length).join(", ")}: ${this.labels?.[label] ?? `class ${label}`}`;
  }
}
