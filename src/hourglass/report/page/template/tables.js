"use strict";
/* Tables: sorting, filter, columns; and which configurations the figures and pictures show. */
const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const shown = new Set(all("input[name=show]:checked").map((box) => Number(box.value)));
const onShownChange = []; // called after `shown` has changed

// Sorting: a button in every heading; what is missing stays last in both directions
function sortBy(table, heading) {
  const column = [...heading.parentElement.children].indexOf(heading);
  const ascending = heading.ariaSort !== "ascending";
  const key = (row) => row.children[column].dataset.v ?? row.children[column].textContent.trim();
  const numeric = (text) => text !== "" && Number.isFinite(Number(text));
  const rows = [...table.tBodies[0].rows];
  rows.sort((first, second) => {
    const [a, b] = [key(first), key(second)];
    if ((a === "") !== (b === "")) return a === "" ? 1 : -1;
    const order = numeric(a) && numeric(b) ? a - b : a.localeCompare(b, "en", { numeric: true });
    return ascending ? order : -order;
  });
  all("th[aria-sort]", table).forEach((th) => (th.ariaSort = th === heading ? (ascending ? "ascending" : "descending") : "none"));
  table.tBodies[0].append(...rows);
}
all("table.sortable").forEach((table) =>
  all("thead button", table).forEach((button) => button.addEventListener("click", () => sortBy(table, button.closest("th")))));

// Filter: every word must occur in the row's text
function filter() {
  const words = one("#filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = [...one("#board").tBodies[0].rows];
  rows.forEach((row) => (row.hidden = !words.every((word) => row.dataset.text.includes(word))));
  one("#count").textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} configurations`;
}
one("#filter")?.addEventListener("input", filter);

// Columns
function chooseColumn(box) {
  all(`#board [data-column="${box.value}"]`).forEach((cell) => (cell.hidden = !box.checked));
}
all("input[name=column]").forEach((box) => box.addEventListener("change", () => chooseColumn(box)));
// At first no more of them than the screen is wide; on a phone, where each row is a card, all
function fitColumns() {
  const region = one("#board")?.closest(".scroll");
  const boxes = all("input[name=column]:checked");
  while (region && region.scrollWidth > region.clientWidth && boxes.length > 3) {
    const box = boxes.pop();
    box.checked = false;
    chooseColumn(box);
  }
}
fitColumns();
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") all("details.chooser[open]").forEach((menu) => { menu.open = false; one("summary", menu).focus(); });
});
document.addEventListener("click", (event) =>
  all("details.chooser[open]").forEach((menu) => menu.contains(event.target) || (menu.open = false)));

// Shown configurations
function applyShown() {
  all("[data-config]").forEach((element) => (element.hidden = !shown.has(Number(element.dataset.config))));
  onShownChange.forEach((react) => react());
}
all("input[name=show]").forEach((box) => box.addEventListener("change", () => {
  shown[box.checked ? "add" : "delete"](Number(box.value));
  applyShown();
}));
all("button[data-show]").forEach((button) => button.addEventListener("click", () => {
  const boxes = [...one("#board").tBodies[0].rows].map((row) => one("input[name=show]", row));
  const visible = boxes.filter((box) => !box.closest("tr").hidden);
  boxes.forEach((box) => (box.checked = visible.slice(0, Number(button.dataset.show)).includes(box)));
  shown.clear();
  boxes.filter((box) => box.checked).forEach((box) => shown.add(Number(box.value)));
  applyShown();
}));

// One of several tables or sets at a time: <select data-choose="name">, <section data-choice="name" data-value>
all("[data-choose]").forEach((control) => control.addEventListener("change", () =>
  all(`[data-choice="${control.dataset.choose}"]`).forEach((part) => (part.hidden = part.dataset.value !== control.value))));

// Theme
const themeButton = one("#theme");
const dark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const onThemeChange = [];
function labelTheme() {
  themeButton.textContent = dark() ? "Light" : "Dark";
  onThemeChange.forEach((react) => react());
}
themeButton.addEventListener("click", () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; labelTheme(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", labelTheme);
labelTheme();
applyShown();
