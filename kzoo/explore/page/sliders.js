// The sliders that move the example and add noise to it.

import { IDENTITY } from "./transform.js";

const SLIDERS = [
  { key: "x", name: "Shift right", side: "width", step: 1, unit: "px", times: 1 },
  { key: "y", name: "Shift down", side: "height", step: 1, unit: "px", times: 1, images: true },
  { key: "angle", name: "Rotate", min: -180, max: 180, step: 1, unit: "°", times: 1, images: true },
  { key: "size", name: "Size", min: 0.3, max: 2, step: 0.01, unit: "%", times: 100 },
  { key: "noise", name: "Noise", min: 0, max: 0.5, step: 0.01, unit: "%", times: 100 },
];

export class Sliders {
  // size: {width, height} of the input; rank: its number of spatial axes; change: called after each change.
  constructor(parent, size, rank, change) {
    Object.assign(this, { rank, change, settings: { ...IDENTITY } });
    this.sliders = SLIDERS.filter((slider) => !slider.images || rank > 1).map((slider) => this.add(parent, slider, size));
  }

  // Adds a slider to the page; returns a function that shows its setting.
  add(parent, { key, name, side, min, max, step, unit, times }, size) {
    const label = document.createElement("label"), input = document.createElement("input");
    const value = document.createElement("output"), half = Math.floor(size[side] / 2);
    label.className = "slider";
    Object.assign(input, { type: "range", min: min ?? -half, max: max ?? half, step });
    input.dataset.key = key;
    label.append(name, input, value);
    parent.append(label);
    const show = () => {
      input.value = this.settings[key];
      value.textContent = `${Math.round(this.settings[key] * times)} ${unit}`;
    };
    input.addEventListener("input", () => {
      this.settings[key] = Number(input.value);
      show();
      this.change();
    });
    show();
    return show;
  }

  reset() {
    Object.assign(this.settings, IDENTITY);
    this.sliders.forEach((show) => show());
    this.change();
  }

  // Returns what the example is moved by, [factor, degrees, pixels along each axis], or null if by nothing.
  movement() {
    const { x, y, angle, size } = this.settings;
    return x || y || angle || size !== 1 ? [size, 0 - angle, ...[0, y, x].slice(-this.rank)] : null;
  }
}
