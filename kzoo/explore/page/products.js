// What a cell of a convolution's map is the sum of: patches, kernels and their products, channel by channel.

import { signedColour } from "./colours.js";
import { element } from "./element.js";

const NUMBERS = 3; // positions across up to which numbers are written into the grids

const number = (value) => String(Number(value.toPrecision(3)));

// Returns a grid of numbers, of a volume's kernel one slice below the other.
function grid(values, size, limit, title) {
  const across = size.at(-1), figure = document.createElement("figure"), cells = element("div", "", "grid");
  cells.style.setProperty("--across", across);
  for (const value of values) {
    const [back, text] = signedColour(value, limit);
    const cell = element("span", across <= NUMBERS ? String(Number(value.toPrecision(2))) : "");
    cell.style.background = back;
    cell.style.color = text;
    cell.title = number(value);
    cells.append(cell);
  }
  figure.append(cells, element("figcaption", title));
  return figure;
}

const largest = (rows) => rows.flat().reduce((most, value) => Math.max(most, Math.abs(value)), 0);

export function showProducts(parent, found, step, chosen) {
  parent.replaceChildren();
  if (step?.convolution && !found) parent.append(element("p", "Its products are not recorded.", "hint"));
  if (!found) return;
  const { channels, patches, kernels, size, tile, rest, bias, total, activation, output } = found;
  const products = patches.map((patch, k) => patch.map((value, tap) => value * kernels[k][tap]));
  const limits = [patches, kernels, products].map(largest);
  const own = step.kind.startsWith("LocallyConnected");
  const which = !tile.length ? "" : own ? ", with a kernel of its own" : `, kernel ${tile.join(", ")} of the tile`;
  parent.append(element("h3", `Position ${chosen.cell.join(", ")} is a sum of products${which}`));
  channels.forEach((channel, k) => {
    const row = element("div", "", "products");
    const sum = products[k].reduce((a, b) => a + b, 0);
    row.append(
      grid(patches[k], size, limits[0], `input map ${channel}`), element("span", "×"),
      grid(kernels[k], size, limits[1], "kernel"), element("span", "="),
      grid(products[k], size, limits[2], `sum ${number(sum)}`),
    );
    parent.append(row);
  });
  const sums = products.map((row) => row.reduce((a, b) => a + b, 0));
  const terms = [...sums, ...(rest ? [rest] : []), ...(bias ? [bias] : [])].map((value, k) => (k && value >= 0 ? `+ ${number(value)}` : number(value).replace("-", k ? "- " : "-")));
  const notes = [rest && "the other maps", bias && "the bias"].filter(Boolean).join(" and ");
  const after = activation && activation !== "linear" ? `; ${activation} makes it ${number(output)}` : "";
  parent.append(element("p", `${terms.join(" ")} = ${number(total)}${notes ? `, with ${notes} last` : ""}${after}.`, "sum"));
}
