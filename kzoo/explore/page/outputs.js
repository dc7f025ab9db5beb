// The outputs as bars: of all classes, labels or numbers in their order, or of the largest of many classes.

import { colourOf } from "./label_map.js";

const ALL = 20, SHOWN = 10;

// unit: "class", "label", "number" or "channel".
export function headingOf(kind, unit = "class") {
  return unit === "number" ? "Numbers" : `${kind[0].toUpperCase()}${kind.slice(1)} of each ${unit}`;
}

export function showOutputs(table, { kind, outputs, labelMap }, { labels, unit = "class" }) {
  const order = outputs.map((_, at) => at), value = (at) => outputs[at] ?? -Infinity;
  const sorted = [...order].sort((a, b) => value(b) - value(a));
  const ordered = outputs.length <= ALL || unit === "number";
  const rows = ordered ? order.slice(0, ALL) : sorted.slice(0, SHOWN);
  const found = { class: (at) => at === sorted[0], label: (at) => value(at) > 0.5 }[unit] ?? (() => false);
  const finite = outputs.filter((one) => one !== null), low = Math.min(0, ...finite);
  const top = kind === "output" || kind === "mean output" ? Math.max(...finite, low + 1e-12) : 1;
  const body = table.tBodies[0];
  while (body.rows.length > rows.length) body.deleteRow(-1);
  while (body.rows.length < rows.length) {
    body.insertRow().innerHTML = '<th scope="row"></th><td><div class="bar"></div></td><td class="number"></td>';
  }
  rows.forEach((at, k) => {
    const row = body.rows[k], one = outputs[at];
    row.className = found(at) ? "largest" : "";
    row.cells[0].textContent = row.cells[0].title = labels ? labels[at] ?? at : at;
    if (labelMap) {
      const swatch = document.createElement("span");
      swatch.className = "swatch";
      swatch.style.background = colourOf(at);
      row.cells[0].prepend(swatch);
    }
    row.cells[1].firstChild.style.width = `${one === null ? 0 : (100 * (one - low)) / (top - low)}%`;
    row.cells[2].textContent = one === null ? "not finite" : one.toFixed(3);
  });
}
