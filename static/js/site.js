// Small behaviour on top of pages that work without it. No state lives here.

class CopyButton extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    if (!button || !navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", () => this.copy(button));
  }

  async copy(button) {
    const source = this.dataset.text ?? this.closest(".snippet, .secret").querySelector("code").textContent;
    await navigator.clipboard.writeText(source);
    const words = button.querySelector("span");
    const before = words.textContent;
    words.textContent = this.dataset.done;
    button.setAttribute("aria-live", "polite");
    setTimeout(() => { words.textContent = before; }, 1600);
  }
}
customElements.define("copy-button", CopyButton);

// The theme changes at once; the server keeps it in a cookie.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-theme-form]") || !event.submitter) return;
  event.preventDefault();
  const body = new FormData(form, event.submitter);
  const theme = body.get("theme");
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  form.closest("details").open = false;
  fetch(form.action, { method: "POST", body, redirect: "manual" });
});

// Ask before what cannot be undone.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// Menus close with Escape and when one clicks elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll(".menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// Keys, listed in the dialog that "?" opens. Never while typing; off where somebody switched them off.
const keys = {
  "/": () => document.querySelector('[data-key="/"]')?.focus(),
  "?": () => document.querySelector("#shortcuts").showModal(),
  gm: () => location.assign("/models"),
  gl: () => location.assign("/leaderboards"),
  j: () => focusResult(1),
  k: () => focusResult(-1),
  y: () => {
    const permanent = document.querySelector("[data-permanent]");
    if (permanent) location.assign(permanent.dataset.permanent);
  },
};
let lastKey = "";
document.addEventListener("keydown", (event) => {
  if (document.documentElement.dataset.shortcuts === "off" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, dialog, [contenteditable]")) return;
  const act = keys[lastKey + event.key] ?? keys[event.key];
  lastKey = event.key;
  if (!act) return;
  event.preventDefault();
  act();
});

function focusResult(step) {
  const results = [...document.querySelectorAll(".card h2 a, .card h3 a")];
  const next = results.indexOf(document.activeElement) + step;
  results[Math.max(0, Math.min(results.length - 1, next))]?.focus();
}

// A log that is being followed stays at its end when it is swapped.
document.addEventListener("htmx:after:swap", () => {
  for (const log of document.querySelectorAll(".log[data-follow]")) log.scrollTop = log.scrollHeight;
});
for (const log of document.querySelectorAll(".log[data-follow]")) log.scrollTop = log.scrollHeight;

// What scrolls sideways in foreign text can be scrolled by keyboard, too.
for (const wide of document.querySelectorAll(".prose :is(pre, table)")) {
  if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
}
