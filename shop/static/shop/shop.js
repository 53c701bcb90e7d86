// Slider values, and the state of the filter panel.
"use strict";

function showProblem(message) {
  const problem = document.getElementById("problem");
  problem.textContent = message;
  problem.hidden = !message;
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const box = document.getElementById("q");
  if (box) {
    event.preventDefault();
    box.focus();
    box.select();
  }
});

const percent = new Intl.NumberFormat(document.documentElement.lang, { style: "percent" });
document.addEventListener("input", (event) => {
  if (event.target.id === "min-match") document.querySelector(".min-match output").textContent = percent.format(event.target.value / 100);
  if (event.target.id !== "blend") return;
  document.querySelector(".blend output").textContent = percent.format(event.target.value);
});

// Close an open popover with Escape, and with a click or the focus elsewhere.
const openPopover = () => document.querySelector("details.popover[open]");
const closeOutside = (event) => {
  for (const popover of document.querySelectorAll("details.popover[open]")) {
    if (!popover.contains(event.target)) popover.open = false;
  }
};
document.addEventListener("click", closeOutside);
document.addEventListener("focusin", closeOutside);
document.addEventListener("keydown", (event) => {
  const popover = event.key === "Escape" && openPopover();
  if (!popover) return;
  popover.open = false;
  popover.querySelector("summary").focus();
});

// After a search, the keyboard of a phone must not cover the products.
document.getElementById("search")?.addEventListener("submit", () => document.activeElement?.blur());

// Keep open lists open when the panel is swapped.
let openLists = [];
document.addEventListener("htmx:beforeSwap", () => {
  openLists = [...document.querySelectorAll("#filters details[open]")].map((list) => list.id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of openLists) document.getElementById(id)?.setAttribute("open", "");
  followResults();
  // The link that was followed is gone; the keyboard continues at the results, not at the top.
  if (document.activeElement === document.body) document.getElementById("main").focus({ preventScroll: true });
});

// The search box, prices and stock are not swapped, so that typing continues; update them from the
// results.
function followResults() {
  const { text, minPrice, maxPrice, inStock } = document.getElementById("results").dataset;
  const values = { q: text, "min-price": minPrice, "max-price": maxPrice };
  for (const [id, value] of Object.entries(values)) {
    const input = document.getElementById(id);
    if (input && input !== document.activeElement) input.value = value; // without prices, some are missing
  }
  document.getElementById("in-stock").checked = inStock === "1";
}

document.addEventListener("htmx:beforeRequest", () => showProblem(""));
document.addEventListener("htmx:sendError", () => {
  showProblem(document.getElementById("problem").dataset.unreachable);
});

// Open an error page instead of swapping it, so that its message is visible.
document.addEventListener("htmx:responseError", (event) => {
  window.location.assign(event.detail.pathInfo.finalRequestPath);
});
