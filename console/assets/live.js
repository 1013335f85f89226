// A page that shows what changes hears so by one stream, and asks for itself again. Nothing is taken from under somebody's hands: while they
// write or have something open, the page waits and says that there is news. A stream that fails says how old the page is.
"use strict";
(() => {
  const sign = document.querySelector("[data-topics]");
  if (!sign || !window.EventSource) return;
  const SILENT_AFTER_MS = 10000;
  const LOOK_MS = 1000;
  // What time alone changes, such as what is late.
  const SLOWLY_MS = 60000;
  // A page that is left alone keeps nobody logged in: it asks no more, and says that there is news.
  const ALONE_AFTER_MS = 600000;
  const title = document.title;
  const part = () => document.querySelector("[data-live]");
  let source = null;
  let heardAt = Date.now();
  let askedAt = Date.now();
  let inputAt = Date.now();
  let isNews = false;
  let before = Number(part()?.dataset.waiting ?? 0);

  for (const kind of ["keydown", "pointerdown"]) document.addEventListener(kind, () => { inputAt = Date.now(); });
  const isWritten = (field) => field.type !== "hidden" && field.type !== "submit" && (field.matches("[type=checkbox], [type=radio]")
    ? field.checked !== field.defaultChecked
    : field.matches("select") ? [...field.options].some((option) => option.selected !== option.defaultSelected && option.index > 0)
      : field.value !== field.defaultValue);
  const isBusy = () => {
    if (document.querySelector("dialog[open]")) return true;
    const fields = [...(part()?.querySelectorAll("input, select, textarea") ?? [])];
    return Boolean(part()?.querySelector("details[open]")) || fields.some((field) => field === document.activeElement || isWritten(field));
  };
  const tone = () => {
    if (!navigator.userActivation?.hasBeenActive) return;
    try {
      const sound = new AudioContext();
      const [oscillator, gain] = [sound.createOscillator(), sound.createGain()];
      gain.gain.value = 0.1;
      oscillator.connect(gain).connect(sound.destination);
      oscillator.start();
      oscillator.stop(sound.currentTime + 0.1);
      oscillator.addEventListener("ended", () => sound.close());
    } catch { /* a browser without sound */ }
  };
  const show = () => {
    const silent = Date.now() - heardAt;
    const text = silent > SILENT_AFTER_MS ? sign.dataset.old.replace("#", Math.round(silent / 1000)) : isNews ? sign.dataset.news : "";
    if (sign.textContent !== text) sign.textContent = text;
    sign.hidden = text === "";
  };
  const ask = () => {
    if (document.visibilityState !== "visible" || isBusy() || Date.now() - inputAt > ALONE_AFTER_MS) return;
    isNews = false;
    askedAt = Date.now();
    document.body.dispatchEvent(new Event("refresh"));
  };
  const open = () => {
    source = new EventSource(`/console/live?topics=${encodeURIComponent(sign.dataset.topics)}`);
    const hear = (kind, told) => source.addEventListener(kind, () => { heardAt = Date.now(); told?.(); show(); });
    // What has changed before anybody listened is asked for now.
    hear("open", () => { isNews = true; ask(); });
    hear("beat");
    hear("changed", () => { isNews = true; ask(); });
    hear("over", () => location.reload());
  };
  // A browser has few connections to one server: who does not look leaves theirs to others.
  const look = () => {
    if (document.visibilityState === "visible" && source === null) open();
    if (document.visibilityState !== "visible" && source !== null) { source.close(); source = null; }
  };
  document.addEventListener("visibilitychange", look);
  window.addEventListener("pageshow", look);
  window.addEventListener("pagehide", () => { source?.close(); source = null; });
  setInterval(() => {
    if (source !== null && source.readyState === EventSource.CLOSED) { source = null; setTimeout(look, SILENT_AFTER_MS); }
    if (isNews || Date.now() - askedAt > SLOWLY_MS) ask();
    show();
  }, LOOK_MS);
  // More work than before is said in the title, by a tone, and to who does not see it.
  document.body.addEventListener("htmx:after:swap", () => {
    const now = Number(part()?.dataset.waiting ?? 0);
    document.title = now > before ? `(+${now - before}) ${title}` : title;
    if (now > before) tone();
    before = Math.min(before, now);
  });
  look();
})();
