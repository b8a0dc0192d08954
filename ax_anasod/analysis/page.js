"use strict";
// Figures are drawn from data in the page, in the colours of its style sheet; tables of the
// class "sortable" sort, filter and are given as a file. Nothing is asked of any network.

const NARROW = 600;
const PIXELS_PER_LEGEND_ROW = 24;

function textOf(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

async function loadPlotly() {
  const packed = document.getElementById("plotly");
  if (packed === null) return false;
  const bytes = Uint8Array.from(atob(packed.textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  // The page's security policy lets this text run, by its hash, and no other.
  script.textContent = await new Response(stream).text();
  document.head.append(script);
  packed.remove();
  return true;
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return { ink: of("--ink"), soft: of("--soft"), grid: of("--grid"), panel: of("--panel") };
}

function layoutFor(figure, width) {
  const { ink, soft, grid, panel } = colours();
  const layout = structuredClone(figure.layout);
  const axis = { gridcolor: grid, zerolinecolor: grid, linecolor: grid, automargin: true };
  layout.template = {
    data: {},
    layout: {
      font: { color: ink },
      xaxis: axis,
      yaxis: axis,
      colorway: ["#5078f9", "#f7931e", "#16a5a5", "#d1495b", "#973d96", "#8a8f98"],
      legend: { bgcolor: "rgba(0,0,0,0)" },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: soft, activecolor: ink },
      updatemenudefaults: { bgcolor: panel, bordercolor: grid, font: { color: ink } },
    },
  };
  if (width < NARROW) {
    const shown = figure.data.filter((trace) => trace.showlegend !== false && trace.name);
    const names = new Set(shown.map((trace) => trace.name));
    layout.margin = { ...layout.margin, l: 50, r: 10, b: 50 };
    layout.legend = {
      ...layout.legend, orientation: "h", x: 0, xanchor: "left", y: -0.25, yanchor: "top",
    };
    if (layout.legend.title) layout.legend.title.side = "top";
    if (names.size > 1) layout.height += names.size * PIXELS_PER_LEGEND_ROW;
  }
  return layout;
}

async function drawFigures() {
  const places = [...document.querySelectorAll(".figure")];
  if (places.length === 0 || !(await loadPlotly())) return;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const figures = places.map((place) => textOf(place.dataset.of));
  const draw = () => places.forEach((place, i) => {
    const { data, layout, config } = figures[i];
    const width = document.body.clientWidth;
    Plotly.react(place, data, layoutFor({ data, layout }, width), config);
  });
  dark.addEventListener("change", draw);
  let narrow = document.body.clientWidth < NARROW;
  addEventListener("resize", () => {
    if (narrow === document.body.clientWidth < NARROW) return;
    narrow = !narrow;
    draw();
  });
  draw();
}

function numberOf(text) {
  return text.trim() === "" ? NaN : Number(text);
}

function sortBy(table, column) {
  const body = table.tBodies[0];
  const header = table.tHead.rows[0].cells[column];
  const rising = header.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", rising ? "ascending" : "descending");
  const keyed = [...body.rows].map((row) => [row.cells[column].textContent, row]);
  const numeric = keyed.every(([text]) => text.trim() === "" || !isNaN(numberOf(text)));
  keyed.sort(([a], [b]) => {
    // What is empty stands last, whichever way the others go.
    if ((a === "") !== (b === "")) return a === "" ? 1 : -1;
    const order = numeric ? numberOf(a) - numberOf(b) : a.localeCompare(b, undefined, { numeric: true });
    return rising ? order : -order;
  });
  body.append(...keyed.map(([, row]) => row));
}

function keeps(cells, condition, columns) {
  const parts = /^(.+?)(<=|>=|<|>|=)(.+)$/.exec(condition);
  const column = parts === null ? -1 : columns.indexOf(parts[1].toLowerCase());
  if (column < 0) return cells.some((cell) => cell.includes(condition));
  const [, , sign, wanted] = parts;
  const a = numberOf(cells[column]), b = numberOf(wanted);
  if (isNaN(b)) return sign === "=" && cells[column] === wanted;
  return { "<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b, "=": a === b }[sign];
}

function filterBy(table, text, output) {
  const columns = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.toLowerCase());
  const conditions = text.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of table.tBodies[0].rows) {
    const cells = [...row.cells].map((cell) => cell.textContent.toLowerCase());
    row.hidden = !conditions.every((condition) => keeps(cells, condition, columns));
    shown += row.hidden ? 0 : 1;
  }
  output.textContent = `${shown} of ${table.tBodies[0].rows.length} rows`;
}

function download(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function equip(place) {
  const table = place.querySelector("table");
  for (const [column, header] of [...table.tHead.rows[0].cells].entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sortBy(table, column));
    header.append(button);
  }
  const tools = document.createElement("div");
  tools.className = "tools";
  const input = document.createElement("input");
  input.type = "search";
  input.placeholder = place.dataset.hint;
  input.setAttribute("aria-label", "Filter the rows");
  const output = document.createElement("output");
  input.addEventListener("input", () => filterBy(table, input.value, output));
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Download CSV";
  button.addEventListener("click", () => download(place.dataset.file, textOf(place.dataset.of)));
  tools.append(input, output, button);
  place.before(tools);
  filterBy(table, "", output);
}

document.querySelectorAll(".sortable").forEach(equip);
drawFigures();
