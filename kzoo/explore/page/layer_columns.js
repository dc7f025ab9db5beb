// The columns of the page that hold the maps of each layer, stage by stage: a stage is the layers in a row whose maps
// have the same size.

import { element } from "./element.js";

const times = (sizes) => sizes.join(" × ");

const nameOfSize = (step) => (step.vector ? "units" : times(step.shape));

// Returns how many maps stand side by side.
function mapsAcross({ vector, shape, channels }) {
  return vector || shape.length === 1 || channels === 1 ? 1 : Math.min(4, Math.ceil(Math.sqrt(channels)));
}

function makeColumn(step, number) {
  const column = element("div", "", "layer"), across = mapsAcross(step);
  column.dataset.step = number;
  column.tabIndex = 0;
  column.title = step.path;
  column.setAttribute("role", "group");
  const amount = step.vector ? `${step.shape} units` : `${step.channels} maps of ${nameOfSize(step)}`;
  column.setAttribute("aria-label", `${step.path}, ${step.kind}, ${amount}`);
  column.style.setProperty("--across", across);
  column.style.setProperty("--wide", `${across === 1 ? 150 : Math.max(130, 58 * across + 3)}px`);
  column.append(element("h4", step.path), element("p", step.kind), element("p", "\u00a0", "range"), element("div", "", "maps"));
  return column;
}

// Adds the columns of all steps to an element; returns them.
export function addColumns(parent, steps) {
  let size = null, row = null;
  return steps.map((step, number) => {
    if (nameOfSize(step) !== size) {
      size = nameOfSize(step);
      const stage = element("section", "", "stage");
      row = element("div", "", "columns");
      stage.append(element("h3", size), row);
      parent.append(stage);
    }
    const column = makeColumn(step, number);
    row.append(column);
    return column;
  });
}
