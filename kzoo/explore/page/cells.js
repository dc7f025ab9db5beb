// Cells of a map on a canvas: the one that the mouse points at, the way an arrow key leads, and a mark around some.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export const hasModifier = (event) => event.ctrlKey || event.altKey || event.metaKey;

// Returns [right, down] of an arrow key, or null of another key.
export function arrowOf(event) {
  return (!hasModifier(event) && ARROWS[event.key]) || null;
}

export function clampCell(x, y, width, height) {
  return [[x, width], [y, height]].map(([at, n]) => Math.max(0, Math.min(n - 1, Math.floor(at))));
}

// Returns the cell [x, y] of a map of width × height cells that the mouse points at.
export function cellAt(event, canvas, width, height) {
  const area = canvas.getBoundingClientRect();
  const x = ((event.clientX - area.left) / area.width) * width, y = ((event.clientY - area.top) / area.height) * height;
  return clampCell(x, y, width, height);
}

// Returns whether the mouse is where it was at an earlier event: a click is at whole pixels, a move may be between them.
export function isAt(earlier, event) {
  return earlier?.target === event.target && Math.abs(event.clientX - earlier.clientX) < 1 && Math.abs(event.clientY - earlier.clientY) < 1;
}

// Sets where an element's mark is: [first, last] cells along each axis, on a map of sizes (..., height, width). Without a
// vertical axis it is as high as the map.
export function placeMark(element, box, sizes) {
  const [[left, right], [top, bottom]] = [...box].reverse().concat([[0, 0]]), [width, height] = [...sizes].reverse().concat(1);
  const vertical = box.length > 1;
  const parts = { x: left / width, w: (right - left + 1) / width, y: vertical ? top / height : 0, h: vertical ? (bottom - top + 1) / height : 1 };
  for (const [key, part] of Object.entries(parts)) element.style.setProperty(`--${key}`, `${100 * part}%`);
}
