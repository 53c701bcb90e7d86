// Marks the same product in every column, for the pointer and for the keyboard.
"use strict";

const cards = [...document.querySelectorAll(".small-card")];

function mark(sku) {
  for (const card of cards) card.classList.toggle("is-same", card.dataset.sku === sku);
}

for (const type of ["pointerover", "focusin"]) {
  document.addEventListener(type, (event) => {
    const card = event.target.closest(".small-card") ?? document.activeElement.closest(".small-card");
    mark(card?.dataset.sku);
  });
}
document.addEventListener("focusout", (event) => {
  if (!event.relatedTarget) mark();
});
