// The class of each pixel in colours, and in words for the pixel that is pointed at.

// Okabe & Ito's colours without black, then those farthest from all before them for each kind of colour vision.
export const COLOURS = [
  "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#690f00", "#b4ffd2", "#3c2d5a",
  "#8700ff", "#784b5a", "#0f2db4", "#b4c396", "#9678ff", "#a52d00", "#5ae1ff", "#962d87", "#d2f096", "#d22dd2",
];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

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
      const area = this.canvas.getBoundingClientRect();
      this.point(((event.clientX - area.left) / area.width) * this.width, ((event.clientY - area.top) / area.height) * this.height);
    });
    for (const event of ["pointerleave", "blur"]) this.canvas.addEventListener(event, () => { this.at = null; this.describe(); });
    this.canvas.addEventListener("keydown", (event) => {
      const arrow = ARROWS[event.key];
      if (!arrow || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      const [x, y] = this.at || [this.width / 2, this.height / 2];
      this.point(...(this.at ? [x + arrow[0], y + arrow[1]] : [x, y]));
    });
  }

  // Takes the classes of pixels, {shape, values}, of a signal or an image; or null of a model with other outputs.
  show(map, classes) {
    this.element.hidden = !map;
    if (!map) return;
    const [width, height] = [...map.shape].reverse().concat(1);
    Object.assign(this, { map, classes, width, height });
    if (this.canvas.width !== width || this.canvas.height !== height) [this.canvas.width, this.canvas.height] = [width, height];
    this.canvas.style.aspectRatio = `${width} / ${Math.max(height, width / 8)}`;
    const image = new ImageData(width, height), pixels = new Uint32Array(image.data.buffer);
    map.values.forEach((label, k) => { pixels[k] = PIXELS[label % PIXELS.length]; });
    this.canvas.getContext("2d").putImageData(image, 0, 0);
    this.describe();
  }

  point(x, y) {
    this.at = [[x, this.width], [y, this.height]].map(([place, n]) => Math.max(0, Math.min(n - 1, Math.floor(place))));
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
    const sides = { x: x / this.width, y: y / this.height, w: 1 / this.width, h: 1 / this.height };
    for (const [key, part] of Object.entries(sides)) this.mark.style.setProperty(`--${key}`, `${100 * part}%`);
    this.text.textContent = `Position ${[y, x].slice(-this.map.shape.length).join(", ")}: ${this.labels?.[label] ?? `class ${label}`}`;
  }
}
