// The equivariance error of each layer for the place of the sliders: a bar over all positions, a dot away from borders.

const REST = 300; // milliseconds without a change after which the errors are asked for

const text = (error) => (error === null ? "–" : error.toFixed(3));

export class Equivariance {
  // fetchErrors: returns the errors for an input.
  constructor(panel, { steps }, fetchErrors) {
    Object.assign(this, { panel, steps, fetchErrors, input: {}, wanted: null, timer: null, running: false });
    this.note = panel.querySelector(".note");
    this.body = panel.querySelector("tbody");
  }

  // Takes an input, {base: the values before they are moved, movement: what they are moved by, null for nothing, example};
  // measures once these stay the same for a while.
  follow(input) {
    const { base, movement } = this.input;
    if (input.base === base && String(input.movement) === String(movement)) return;
    Object.assign(this, { input, wanted: null });
    clearTimeout(this.timer);
    this.panel.hidden = !input.movement;
    this.panel.ariaBusy = true;
    if (!input.movement) return;
    if (!this.body.rows.length) this.note.textContent = "Measuring …";
    this.timer = setTimeout(() => {
      this.wanted = input;
      this.measure();
    }, REST);
  }

  // Asks for the errors, once at a time, until those that are wanted are shown.
  async measure() {
    if (this.running) return;
    this.running = true;
    let asked = null;
    while (this.wanted && this.wanted !== asked) {
      asked = this.wanted;
      const found = await this.fetchErrors(asked).catch((error) => error);
      if (asked === this.wanted) this.show(found);
    }
    this.running = false;
  }

  show(found) {
    const failed = found instanceof Error, rows = failed ? [] : found;
    const top = rows.reduce((most, { error, inner }) => Math.max(most, error, inner), 1);
    this.note.textContent = failed ? found.message : rows.length ? "" : "No layer of this model can be compared.";
    this.body.closest("table").hidden = !rows.length;
    this.body.replaceChildren(...rows.map((row) => this.row(row, top)));
    this.panel.ariaBusy = false;
  }

  row({ step, error, inner, whole }, top) {
    const row = document.createElement("tr");
    row.innerHTML = '<th scope="row"></th><td class="errors"><div class="bar"></div><div class="dot"></div></td><td class="number"></td><td class="number"></td>';
    const [name, errors, ...numbers] = row.cells, [bar, dot] = errors.children;
    row.className = whole ? "" : "between";
    name.textContent = name.title = this.steps[step].path;
    bar.style.width = `${(100 * error) / top}%`;
    dot.style.left = `${(100 * inner) / top}%`;
    dot.hidden = inner === null;
    [error, inner].forEach((value, k) => { numbers[k].textContent = text(value); });
    return row;
  }
}
