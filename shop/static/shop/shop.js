// What HTML alone cannot do: pictures dropped or pasted, a live slider, a panel that stays as it was.
"use strict";

const searchForm = document.getElementById("search");
const uploadForm = document.getElementById("upload");

function complain(message) {
  const problem = document.getElementById("problem");
  problem.textContent = message;
  problem.hidden = !message;
}

if (uploadForm) {
  // The upload leads back to the search as it stands, words not yet sent included.
  const currentSearch = () => new URLSearchParams(new FormData(searchForm)).toString();

  const upload = (files) => {
    const input = uploadForm.elements.file;
    const file = [...files].find((candidate) => candidate.type.startsWith("image/"));
    if (!file) return complain("That is not a picture.");
    if (file.size > Number(input.dataset.maxBytes)) {
      const most = Math.floor(input.dataset.maxBytes / 2 ** 20);
      return complain(`This picture is too large: it may have up to ${most} MB.`);
    }
    complain("");
    const transfer = new DataTransfer();
    transfer.items.add(file);
    input.files = transfer.files;
    uploadForm.elements.state.value = currentSearch();
    document.body.classList.add("is-uploading");
    uploadForm.submit();
  };

  uploadForm.elements.file.addEventListener("change", (event) => {
    if (event.target.files.length) upload(event.target.files);
  });

  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  const veil = (shown) => document.body.classList.toggle("is-dragging", shown);
  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    veil(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil(false);
  });
  document.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    veil(false);
    upload(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) {
      event.preventDefault();
      upload(event.clipboardData.files);
    }
  });
  // Coming back by the browser's own cache must not find the page still busy.
  window.addEventListener("pageshow", () => {
    document.body.classList.remove("is-uploading");
    uploadForm.reset();
  });
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

document.addEventListener("input", (event) => {
  if (event.target.id === "min-match") document.querySelector(".min-match output").textContent = `${event.target.value}%`;
  if (event.target.id !== "blend") return;
  const share = Math.round(event.target.value * 100);
  document.querySelector(".blend output").textContent = `${share}%`;
});

// Lists that are open stay open when the panel is swapped.
let openLists = [];
document.addEventListener("htmx:beforeSwap", () => {
  openLists = [...document.querySelectorAll("#filters details[open]")].map((list) => list.id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of openLists) document.getElementById(id)?.setAttribute("open", "");
  followResults();
});

// Prices and stock are not swapped, so that typing goes on; a chip that was removed clears them.
function followResults() {
  const { minPrice, maxPrice, inStock } = document.getElementById("results").dataset;
  const prices = { "min-price": minPrice, "max-price": maxPrice };
  for (const [id, price] of Object.entries(prices)) {
    const input = document.getElementById(id);
    if (input !== document.activeElement) input.value = price;
  }
  document.getElementById("in-stock").checked = inStock === "1";
}

document.addEventListener("htmx:beforeRequest", () => complain(""));
document.addEventListener("htmx:sendError", () => {
  complain("The shop cannot be reached. Check your connection and try again.");
});

// A page that cannot be swapped in is opened instead, so that its message is seen.
document.addEventListener("htmx:responseError", (event) => {
  window.location.assign(event.detail.pathInfo.finalRequestPath);
});
