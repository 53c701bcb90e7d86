// Products that this browser has looked at. The list stays in the browser and can be removed.
"use strict";

const KEY = "recently-looked-at";
const MAX_KEPT = 12;
const recent = document.getElementById("recent");

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY)) ?? [];
    return kept.filter((it) => typeof it?.sku === "string" && /^\/(?!\/)/.test(it.url));
  } catch {
    return []; // the browser keeps nothing, or something else wrote there
  }
}

function write(kept) {
  try {
    localStorage.setItem(KEY, JSON.stringify(kept.slice(0, MAX_KEPT)));
  } catch {
    // The browser keeps nothing; the list ends with the page.
  }
}

function forget(sku) {
  write(read().filter((it) => it.sku !== sku));
  render();
}

function entry(product) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = product.url;
  const tile = document.createElement("span");
  tile.className = "tile";
  if (/^\/(?!\/)/.test(product.picture)) {
    const picture = document.createElement("img");
    picture.src = product.picture;
    picture.alt = "";
    picture.loading = "lazy";
    picture.addEventListener("error", () => item.remove()); // the product is gone
    tile.append(picture);
  }
  const title = document.createElement("span");
  title.textContent = product.title;
  link.append(tile, title);
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "icon-button";
  remove.title = recent.dataset.remove;
  remove.setAttribute("aria-label", `${recent.dataset.remove}: ${product.title}`);
  remove.textContent = "×";
  remove.addEventListener("click", () => forget(product.sku));
  item.append(link, remove);
  return item;
}

function render() {
  const others = read().filter((it) => it.sku !== recent.dataset.sku);
  recent.hidden = !others.length;
  recent.querySelector("ul").replaceChildren(...others.map(entry));
}

if (recent) {
  const { sku, title, url, picture } = recent.dataset;
  write([{ sku, title, url, picture }, ...read().filter((it) => it.sku !== sku)]);
  recent.querySelector(".section-head button").addEventListener("click", () => {
    write(read().filter((it) => it.sku === sku));
    render();
  });
  render();
}
