// What the keyboard does, on every page. Nothing here is needed: every action is a link or a form.
"use strict";
(() => {
  const typing = (at) => at.closest("input, textarea, select, [contenteditable]") !== null;
  const find = () => document.getElementById("find");
  let going = false;

  // A form that is on its way is not sent again by a second click; its key makes it one command even so.
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    setTimeout(() => event.target.querySelectorAll("button").forEach((button) => { button.disabled = true; }), 0);
  });
  window.addEventListener("pageshow", () => document.querySelectorAll("form button[disabled]").forEach((button) => { button.disabled = false; }));

  // What a link has behind its sign goes into the form, and out of the address.
  const fromFragment = document.querySelector("[data-from-fragment]");
  if (fromFragment && location.hash.length > 1) {
    fromFragment.value = decodeURIComponent(location.hash.slice(1));
    history.replaceState(null, "", location.pathname);
    document.querySelector("input[type=password]")?.focus();
  }

  document.querySelectorAll("[data-print]").forEach((button) => button.addEventListener("click", () => window.print()));

  const rows = () => [...document.querySelectorAll("table.rows tbody tr")];
  const move = (by) => {
    const all = rows();
    if (all.length === 0) return;
    const now = all.findIndex((row) => row.classList.contains("on"));
    const next = all[Math.max(0, Math.min(all.length - 1, now + by))];
    all.forEach((row) => row.classList.toggle("on", row === next));
    (next.querySelector("a, button, input") ?? next).focus();
  };
  const actions = () => {
    const place = document.getElementById("actions");
    place?.querySelector("summary, a, button")?.focus();
  };

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "k") {
      event.preventDefault();
      find()?.focus();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      if (document.querySelector("dialog[open]")) return;
      if (typing(event.target)) { event.target.blur(); return; }
      const opened = document.querySelector("details.who[open]");
      if (opened) { opened.open = false; return; }
      if (history.length > 1 && !document.body.dataset.bench) history.back();
      return;
    }
    if (typing(event.target) || document.body.dataset.bench) return;
    if (going) {
      going = false;
      const place = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
      if (place) { event.preventDefault(); place.click(); }
      return;
    }
    switch (event.key) {
      case "/": event.preventDefault(); find()?.focus(); break;
      case "g": going = true; break;
      case "j": move(1); break;
      case "k": move(-1); break;
      case "a": actions(); break;
      case "?": document.getElementById("keys")?.showModal(); break;
      default:
    }
  });
})();
