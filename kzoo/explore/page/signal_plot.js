// The plot of a signal as curves, one for each channel.

import { sizedContext } from "./colours.js";

const WIDTH = 560, HEIGHT = 280; // pixels of the canvas
const CURVES = 8; // channels that are drawn

// Draws a signal (length, channels) with values from low to high, and a line at 0.
export function drawSignal(canvas, values, length, channels, [low, high]) {
  const context = sizedContext(canvas, WIDTH, HEIGHT), style = getComputedStyle(document.documentElement);
  const curve = (colour, width, points) => {
    context.strokeStyle = style.getPropertyValue(colour);
    context.lineWidth = width;
    context.beginPath();
    for (const [x, value] of points) context.lineTo(x * WIDTH, ((high - value) / (high - low)) * HEIGHT);
    context.stroke();
  };
  context.clearRect(0, 0, WIDTH, HEIGHT);
  curve("--line", 1, [[0, 0], [1, 0]]);
  for (let channel = 0; channel < Math.min(channels, CURVES); channel++) {
    curve("--bar", 2, Array.from({ length }, (_, t) => [(t + 0.5) / length, values[t * channels + channel]]));
  }
}
