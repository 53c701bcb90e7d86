// The dialog that cuts a picture of the query. The region becomes a part of the address.

const WHOLE = 1000; // the width and height of a picture, in the units of a region
const SMALLEST = 20;
const STEP = 0.02; // of a step with the keyboard, as a share of the picture
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function load(tag, properties) {
  return new Promise((done, fail) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.addEventListener("load", done);
    element.addEventListener("error", fail);
    document.head.append(element);
  });
}

let loading;
function loadCropper({ cropper, cropperStyle }) {
  loading ??= Promise.all([
    load("link", { rel: "stylesheet", href: cropperStyle }),
    load("script", { src: cropper }),
  ]);
  return loading;
}

// Left, top, width and height in thousandths, within the picture.
function regionOf(cropper) {
  const { x, y, width, height } = cropper.getData();
  const image = cropper.getImageData();
  const ends = (start, length, whole) => {
    const from = Math.min(WHOLE - SMALLEST, Math.max(0, Math.round((start / whole) * WHOLE)));
    const to = Math.min(WHOLE, Math.max(from + SMALLEST, Math.round(((start + length) / whole) * WHOLE)));
    return [from, to - from];
  };
  const [left, wide] = ends(x, width, image.naturalWidth);
  const [top, high] = ends(y, height, image.naturalHeight);
  return [left, top, wide, high];
}

function showRegion(cropper, text) {
  const { naturalWidth, naturalHeight } = cropper.getImageData();
  const [left, top, width, height] = text.split("-").map(Number);
  cropper.setData({
    x: (left / WHOLE) * naturalWidth,
    y: (top / WHOLE) * naturalHeight,
    width: (width / WHOLE) * naturalWidth,
    height: (height / WHOLE) * naturalHeight,
  });
}

// Arrows move the frame; with Shift they move its right and lower sides.
function onKey(event, cropper) {
  const arrow = ARROWS[event.key];
  if (!arrow) return;
  event.preventDefault();
  const { naturalWidth, naturalHeight } = cropper.getImageData();
  const data = cropper.getData();
  const [x, y] = [arrow[0] * STEP * naturalWidth, arrow[1] * STEP * naturalHeight];
  const least = SMALLEST / WHOLE;
  if (event.shiftKey) {
    data.width = Math.min(naturalWidth - data.x, Math.max(least * naturalWidth, data.width + x));
    data.height = Math.min(naturalHeight - data.y, Math.max(least * naturalHeight, data.height + y));
  } else {
    data.x = Math.min(naturalWidth - data.width, Math.max(0, data.x + x));
    data.y = Math.min(naturalHeight - data.height, Math.max(0, data.y + y));
  }
  cropper.setData(data);
}

function describe(cropper, output) {
  const [left, top, width, height] = regionOf(cropper).map((share) => Math.round(share / 10));
  output.textContent = output.dataset.text
    .replace("%left%", left)
    .replace("%top%", top)
    .replace("%width%", width)
    .replace("%height%", height);
}

export async function openDialog(button) {
  const { picture, region, url, wholeUrl } = button.dataset;
  const template = document.getElementById("crop-template");
  const dialog = template.content.firstElementChild.cloneNode(true);
  document.body.append(dialog);
  const image = dialog.querySelector("img");
  const stage = dialog.querySelector(".crop-stage");
  const output = dialog.querySelector("output");
  let cropper;
  let chosen = region;
  let size; // of the stage for which the cropper was made
  const sizeNow = () => `${stage.clientWidth} ${stage.clientHeight}`;
  const isReady = () => "ready" in stage.dataset;
  // Cropper's own reaction to another size leaves the picture off its place.
  const resizes = new ResizeObserver(() => {
    if (!isReady() || size === sizeNow()) return; // it is also called once at first
    chosen = regionOf(cropper).join("-");
    delete stage.dataset.ready;
    cropper.destroy();
    start();
  });
  dialog.addEventListener("close", () => {
    resizes.disconnect();
    cropper?.destroy();
    dialog.remove();
    button.focus();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // outside
    const choice = event.target.closest("button")?.value;
    if (choice === "cancel") dialog.close();
    if (choice === "whole") window.location.assign(wholeUrl);
    if (choice === "cut" && isReady()) search();
  });
  const search = () => {
    const chosen = regionOf(cropper);
    const isWhole = chosen.join("-") === `0-0-${WHOLE}-${WHOLE}`;
    window.location.assign(isWhole ? wholeUrl : url.replace("REGION", chosen.join("-")));
  };
  stage.addEventListener("keydown", (event) => {
    if (!isReady()) return;
    if (event.key === "Enter") return search();
    onKey(event, cropper);
    if (event.key in ARROWS) describe(cropper, output);
  });
  const start = () => {
    cropper = new window.Cropper(image, {
      viewMode: 1,
      dragMode: "crop",
      autoCropArea: 0.7,
      minCropBoxWidth: 16,
      minCropBoxHeight: 16,
      background: false,
      checkOrientation: false, // the shop stores upright pictures
      movable: false,
      responsive: false,
      rotatable: false,
      scalable: false,
      zoomable: false,
      ready() {
        if (chosen) showRegion(cropper, chosen);
        describe(cropper, output);
        size = sizeNow();
        stage.dataset.ready = "";
      },
    });
  };
  dialog.showModal();
  image.src = picture;
  await Promise.all([loadCropper(button.dataset), image.decode()]);
  if (!dialog.open) return;
  start();
  stage.focus();
  resizes.observe(stage);
}
