// Suggestions under the search box, and recent searches, which stay in this browser.

const input = document.getElementById("q");
const popup = document.getElementById("suggest");
const list = document.getElementById("suggest-list");

const PAUSE = 120; // milliseconds without a key before suggestions are requested
const RECENT = "recent-searches";
const MAX_RECENT = 8;

if (input && popup) {
  let combobox;
  let timer;
  let request;

  // The library is loaded when the box is first used.
  const load = async () => {
    const { default: Combobox } = await import(popup.dataset.combobox);
    combobox ??= new Combobox(input, list, { tabInsertsSuggestions: false });
  };

  const isOpen = () => !popup.hidden;

  function open(status) {
    popup.hidden = false;
    combobox?.start();
    document.getElementById("suggest-status").textContent = status ?? "";
  }

  function close() {
    clearTimeout(timer);
    request?.abort();
    combobox?.stop();
    popup.hidden = true;
    document.getElementById("suggest-status").textContent = "";
  }

  // Only the answer to the last request is shown.
  async function suggest() {
    request?.abort();
    const typed = input.value.trim();
    if (!typed) return showRecent();
    request = new AbortController();
    const { signal } = request;
    try {
      await load();
      const address = `${popup.dataset.url}?${new URLSearchParams({ q: typed })}`;
      const response = await fetch(address, { signal });
      const html = response.ok ? await response.text() : "";
      if (signal.aborted || document.activeElement !== input) return;
      hideTools();
      list.innerHTML = html;
      const groups = list.querySelector("[data-status]");
      if (groups) open(groups.dataset.status);
      else close();
    } catch (error) {
      if (error.name !== "AbortError") close(); // offline: the box works as without suggestions
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    if (!input.value.trim()) return suggest();
    timer = setTimeout(suggest, PAUSE);
  });

  input.addEventListener("focus", async () => {
    await load();
    if (!input.value.trim() && document.activeElement === input) showRecent();
  });

  // Before the library, which handles the keys of an open list.
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && isOpen()) {
      event.preventDefault(); // the browser would empty the box
      close();
    } else if (event.key === "ArrowDown" && !isOpen()) {
      event.preventDefault();
      suggest();
    } else if (event.key === "Delete" && isOpen()) {
      const chosen = list.querySelector('[aria-selected="true"][data-recent]');
      if (!chosen) return;
      event.preventDefault();
      forget(chosen.dataset.query);
    }
  });

  // The box keeps the focus while an option, a button or the scroll bar of the list is pressed.
  popup.addEventListener("mousedown", (event) => event.preventDefault());

  list.addEventListener("click", (event) => {
    const option = event.target.closest('[role="option"]');
    if (!option || event.ctrlKey || event.metaKey || event.shiftKey) return;
    close();
    if (!("query" in option.dataset)) return; // a link
    event.preventDefault();
    input.value = option.dataset.query;
    input.form.requestSubmit();
  });

  const search = input.closest("search");
  search.addEventListener("focusout", (event) => {
    if (isOpen() && !search.contains(event.relatedTarget)) close();
  });
  input.form.addEventListener("submit", close);
  window.addEventListener("pagehide", close);

  // Recent searches. The browser may refuse to store them, as in private windows.

  function recent() {
    try {
      const stored = JSON.parse(localStorage.getItem(RECENT));
      return Array.isArray(stored) ? stored.filter((text) => typeof text === "string") : [];
    } catch {
      return [];
    }
  }

  function store(texts) {
    try {
      localStorage.setItem(RECENT, JSON.stringify(texts.slice(0, MAX_RECENT)));
    } catch {
      // nothing is remembered
    }
  }

  function remember() {
    const text = document.getElementById("results")?.dataset.text;
    if (!text) return;
    const others = recent().filter((other) => other.toLowerCase() !== text.toLowerCase());
    store([text, ...others]);
  }

  function forget(text) {
    store(recent().filter((other) => other !== text));
    input.focus();
    showRecent();
  }

  const tools = document.getElementById("recent-tools");
  const hideTools = () => { tools.hidden = true; };
  const remover = tools.querySelector("li");

  function showRecent() {
    const texts = recent();
    if (!texts.length) return close();
    const part = document.getElementById("recent-searches").content.cloneNode(true);
    const group = part.querySelector('[role="group"]');
    const sample = part.querySelector('[role="option"]');
    const removers = tools.querySelector("ul");
    sample.remove();
    removers.replaceChildren();
    for (const [place, text] of texts.entries()) {
      const option = sample.cloneNode(true);
      option.id = `suggest-recent-${place + 1}`;
      option.href += `?${new URLSearchParams({ q: text })}`;
      option.dataset.query = text;
      option.dataset.recent = "";
      option.querySelector("span").textContent = text;
      group.append(option);
      const item = remover.cloneNode(true);
      const button = item.querySelector("button");
      button.setAttribute("aria-label", button.dataset.label.replace("%s", () => text));
      button.addEventListener("click", () => forget(text));
      removers.append(item);
    }
    list.replaceChildren(part);
    tools.hidden = false;
    open();
  }

  tools.querySelector(".recent-clear").addEventListener("click", () => {
    store([]);
    input.focus();
    close();
  });

  document.addEventListener("htmx:afterSwap", remember);
  remember();
}
