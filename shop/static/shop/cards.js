// Cards: the picture follows the colour under the mouse or the focus, and a mouse over the picture
// shows another one. These pictures are loaded only then.
"use strict";

const hoverable = window.matchMedia("(hover: hover)");

// Show the picture at `address` in a card as soon as it is loaded; without one, the card's own.
function show(card, address = "") {
  const picture = card.querySelector(".tile img");
  if (!picture || (card.dataset.shown ?? "") === address) return;
  card.dataset.shown = address;
  picture.dataset.own ??= picture.srcset;
  if (!address) {
    picture.srcset = picture.dataset.own;
    return;
  }
  const loaded = new Image();
  loaded.onload = () => {
    if (card.dataset.shown === address) picture.srcset = address;
  };
  loaded.src = address;
}

function follow(event) {
  const card = event.target.closest(".card");
  if (!card) return;
  const dot = event.target.closest(".dot");
  const other = hoverable.matches ? card.querySelector("img[data-other]")?.dataset.other : "";
  show(card, dot ? dot.dataset.picture : other);
}

function leave(event) {
  const card = event.target.closest?.(".card");
  if (card && !card.contains(event.relatedTarget)) show(card);
}

document.addEventListener("pointerover", (event) => {
  if (event.pointerType === "mouse") follow(event);
});
document.addEventListener("focusin", follow);
document.addEventListener("pointerout", leave);
document.addEventListener("focusout", leave);
