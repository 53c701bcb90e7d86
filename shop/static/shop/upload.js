// Choosing, dropping and pasting pictures and their addresses: shrinks them, shows a preview and
// the progress, and opens the search. Loads the crop dialog when somebody asks for it.

const MAX_SIDE = 1024;
const QUALITY = 0.9;
const SMALL_ENOUGH = 200 * 1024; // bytes

const form = document.getElementById("upload");
const status = document.getElementById("uploading");
const say = (message) => {
  const problem = document.getElementById("problem");
  problem.textContent = message;
  problem.hidden = !message;
};

// A copy of at most MAX_SIDE pixels, upright and as JPEG; the file itself if it is small, or if the
// browser cannot decode or encode it.
async function shrunk(file) {
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
    if (scale === 1 && file.size <= SMALL_ENOUGH) return file;
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff"; // as the shop does with transparent parts
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    return blob && blob.size < file.size ? new File([blob], "picture.jpg", { type: blob.type }) : file;
  } catch {
    return file;
  }
}

function show(message, preview) {
  document.body.classList.add("is-uploading");
  status.hidden = false;
  status.querySelector("p").textContent = message;
  status.querySelector("progress").removeAttribute("value");
  const image = status.querySelector("img");
  image.hidden = !preview;
  if (!preview) return;
  image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
  image.addEventListener("error", () => (image.hidden = true), { once: true });
  image.src = URL.createObjectURL(preview);
}

function rest() {
  document.body.classList.remove("is-uploading");
  status.hidden = true;
  form.reset();
}

function stop(message) {
  rest();
  say(message);
}

function send(name, value) {
  const data = new FormData(form);
  data.delete("file");
  data.set(name, value);
  // The search continues with the current state of its form.
  data.set("state", new URLSearchParams(new FormData(document.getElementById("search"))).toString());
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.responseType = "json";
  request.setRequestHeader("Accept", "application/json");
  request.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable || name !== "file") return;
    status.querySelector("progress").value = event.loaded / event.total;
    if (event.loaded < event.total) return;
    status.querySelector("p").textContent = status.dataset.searching;
    status.querySelector("progress").removeAttribute("value");
  });
  request.addEventListener("load", () => {
    if (request.response?.location) window.location.assign(request.response.location);
    else if (request.status === 413) stop(tooLarge());
    else if (request.status === 429) stop(status.dataset.tooMany);
    else stop(status.dataset.refused);
  });
  request.addEventListener("error", () => stop(status.dataset.failed));
  request.send(data);
}

const maxBytes = () => Number(form.elements.file.dataset.maxBytes);
const tooLarge = () => status.dataset.tooLarge.replace("%most%", Math.floor(maxBytes() / 2 ** 20));

async function upload(files) {
  const file = [...files].find((candidate) => candidate.type.startsWith("image/"));
  if (!file) return stop(status.dataset.noPicture);
  say("");
  show(status.dataset.sending, file);
  const sent = await shrunk(file);
  if (sent.size > maxBytes()) return stop(tooLarge());
  send("file", sent);
}

// A picture of this shop is read here; others are fetched by the server, which may say why not.
async function uploadAddress(address) {
  say("");
  if (address.startsWith("data:image/")) return upload([fromDataUrl(address)].filter(Boolean));
  show(status.dataset.fetching);
  if (URL.canParse(address) && new URL(address).origin === window.location.origin) {
    const response = await fetch(address).catch(() => null);
    return upload(response?.ok ? [await response.blob()] : []);
  }
  send("address", address);
}

function fromDataUrl(address) {
  const [head, content] = address.split(",", 2);
  if (!head.endsWith(";base64")) return null;
  try {
    const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    return new File([bytes], "picture", { type: head.slice(5).split(";")[0] });
  } catch {
    return null;
  }
}

// The address of what is dragged: the picture itself, not the page that it links to.
function draggedAddress(transfer) {
  const html = transfer.getData("text/html");
  const page = new DOMParser().parseFromString(html, "text/html");
  const address = page.querySelector("img[src]")?.getAttribute("src") || transfer.getData("text/uri-list").split(/[\r\n]+/)[0];
  return /^(https?:\/\/|data:image\/)/.test(address) ? address : "";
}

if (form) {
  form.elements.file.addEventListener("change", (event) => {
    if (event.target.files.length) upload(event.target.files);
  });
  const takes = (event) => {
    const types = event.dataTransfer?.types ?? [];
    return types.includes("Files") || types.includes("text/uri-list");
  };
  const veil = (shown) => document.body.classList.toggle("is-dragging", shown);
  document.addEventListener("dragover", (event) => {
    if (!takes(event)) return;
    event.preventDefault();
    veil(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil(false);
  });
  document.addEventListener("drop", (event) => {
    if (!takes(event)) return;
    event.preventDefault();
    veil(false);
    if (event.dataTransfer.files.length) return upload(event.dataTransfer.files);
    const address = draggedAddress(event.dataTransfer);
    if (address) uploadAddress(address);
    else stop(status.dataset.noPicture);
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) {
      event.preventDefault();
      return upload(event.clipboardData.files);
    }
    const text = event.clipboardData.getData("text/plain").trim();
    const isForSearch = event.target.id === "q" || !event.target.closest?.("input, textarea, select");
    if (isForSearch && /^https?:\/\/\S+$/i.test(text)) {
      event.preventDefault();
      uploadAddress(text);
    }
  });
  // A page restored from the back/forward cache must not look busy.
  window.addEventListener("pageshow", rest);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.cut");
  if (!button) return;
  const { openDialog } = await import(button.dataset.crop);
  await openDialog(button);
});
