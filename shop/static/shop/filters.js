// The filter panel as a sheet on narrow screens: a modal dialog that borrows the panel.
"use strict";

const sheet = document.getElementById("sheet");
const panel = document.getElementById("filters");
const beside = window.matchMedia("(min-width: 64rem)");

if (sheet && panel) {
  const home = panel.parentElement;

  const open = () => {
    sheet.append(panel);
    sheet.showModal();
    sheet.querySelector(".filters-close").focus();
  };
  const close = () => sheet.open && sheet.close();

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-opens=sheet]")) open();
    // A click on the dialog itself, not on its content, is one on the backdrop.
    if (event.target.closest("[data-closes=sheet]") || event.target === sheet) close();
  });
  sheet.addEventListener("close", () => {
    home.prepend(panel);
    document.querySelector("[data-opens=sheet]")?.focus();
  });
  beside.addEventListener("change", close);
}

// What was opened stays open on the next page.
for (const details of document.querySelectorAll("details[data-remembered]")) {
  const key = `open-${details.id}`;
  try {
    details.open = localStorage.getItem(key) === "1";
  } catch {
    // The browser keeps nothing for this page; the panel starts closed.
  }
  details.addEventListener("toggle", () => {
    try {
      localStorage.setItem(key, details.open ? "1" : "0");
    } catch {
      // As above.
    }
  });
}
