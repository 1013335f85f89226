// Scans, one after the other and each once. A scan is put into a queue with an id; the first of them is sent until it is answered, and only the
// answer changes the page. When the line is down the queue waits, says how many wait, and goes on by itself.
"use strict";
(() => {
  const form = document.querySelector("form[data-scan]");
  if (!form) return;
  const field = form.querySelector("[name=code]");
  const kind = form.dataset.scan;
  document.body.dataset.bench = kind;
  const SAME_WITHIN_MS = 300;
  const AGAIN_AFTER_MS = 1000;
  const KEEP = `scans ${location.pathname}`;

  // Two tones, and a nudge of the hand: without sound nothing is lost.
  let sound = null;
  const tone = (good) => {
    navigator.vibrate?.(good ? 40 : [120, 60, 120]);
    try {
      sound ??= new AudioContext();
      const [oscillator, gain] = [sound.createOscillator(), sound.createGain()];
      oscillator.frequency.value = good ? 880 : 220;
      gain.gain.value = 0.15;
      oscillator.connect(gain).connect(sound.destination);
      oscillator.start();
      oscillator.stop(sound.currentTime + (good ? 0.08 : 0.35));
    } catch { /* a browser without sound */ }
  };
  navigator.wakeLock?.request("screen").catch(() => {});

  // Whatever is typed or scanned goes into the field, unless somebody writes into another one.
  document.addEventListener("keydown", (event) => {
    const elsewhere = event.target.closest("input, textarea, select, [contenteditable]");
    if (elsewhere || event.ctrlKey || event.metaKey || event.altKey || event.key.length !== 1) return;
    field.focus();
  });
  if (document.querySelector("[data-tone=bad]")) tone(false);
  if (kind !== "bench") return;

  const place = document.getElementById("bench");
  const waiting = form.querySelector(".waiting");
  let queue = JSON.parse(sessionStorage.getItem(KEEP) ?? "[]");
  let busy = false;
  let last = { code: "", at: 0 };

  // Something has become of it elsewhere: it was cancelled, or packed at another bench, or its label has come. What was said last stays.
  const bare = (root) => {
    const copy = root.cloneNode(true);
    copy.querySelectorAll(".verdict:not([data-stop]), input[type=hidden]").forEach((part) => part.remove());
    return copy.innerHTML.replace(/\s+/g, " ").trim();
  };
  const look = async () => {
    const isFree = () => !busy && queue.length === 0 && !place.querySelector("details[open]");
    if (!isFree()) return;
    try {
      const answer = await fetch(location.href, { headers: { "x-scan": "1" }, signal: AbortSignal.timeout(15000) });
      if (!answer.ok) return;
      const news = document.createElement("div");
      news.innerHTML = await answer.text();
      if (!isFree() || bare(news) === bare(place)) return;
      const said = place.querySelector(".verdict:not([data-stop])");
      place.replaceChildren(...news.childNodes);
      if (place.querySelector("[data-stop]")) tone(false); else if (said) place.prepend(said);
    } catch { /* the next news brings it */ }
  };
  document.body.addEventListener("refresh", look);

  const keep = () => {
    sessionStorage.setItem(KEEP, JSON.stringify(queue));
    waiting.textContent = queue.length > 0 && !busy || queue.length > 1 ? form.dataset.waiting.replace("#", queue.length) : "";
  };
  const send = async () => {
    if (busy || queue.length === 0) return;
    busy = true;
    const scan = queue[0];
    let html = null;
    try {
      const body = new URLSearchParams({ scan_id: scan.id, code: scan.code, facility: form.elements.facility.value });
      const answer = await fetch(form.action, { method: "POST", body, headers: { "x-scan": "1" }, signal: AbortSignal.timeout(15000) });
      const login = answer.headers.get("hx-redirect");
      if (login) { location.assign(login); return; }
      // Everything else that is no server's failure is an answer: the page says which.
      if (answer.status < 500 && answer.status !== 429) html = await answer.text();
    } catch { /* the line is down: it goes out again */ }
    busy = false;
    if (html === null) {
      keep();
      setTimeout(send, AGAIN_AFTER_MS);
      return;
    }
    queue.shift();
    place.innerHTML = html;
    const result = place.querySelector("[data-result]")?.dataset.result;
    tone(["counted", "complete", "undone", "kept", "let_go"].includes(result));
    keep();
    if (result === "complete" && !place.querySelector(".verdict p")) {
      place.querySelector("[data-next]")?.focus();
    }
    send();
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const code = field.value.trim();
    field.value = "";
    const now = Date.now();
    if (code === "" || (code === last.code && now - last.at < SAME_WITHIN_MS)) return;
    last = { code, at: now };
    if (code.toUpperCase() === "CMD-PRINT") {
      const label = place.querySelector("[data-label]");
      if (label) label.click(); else tone(false);
      return;
    }
    // After the last unit a scan opens what comes next.
    const next = place.querySelector("[data-next]");
    if (next && queue.length === 0 && !code.toUpperCase().startsWith("CMD-")) {
      const open = document.createElement("form");
      open.method = "post";
      open.action = "/console/pack";
      for (const [name, value] of [["code", code], ["facility", form.elements.facility.value]]) {
        const hidden = document.createElement("input");
        [hidden.type, hidden.name, hidden.value] = ["hidden", name, value];
        open.append(hidden);
      }
      document.body.append(open);
      open.submit();
      return;
    }
    queue.push({ id: crypto.randomUUID(), code });
    keep();
    send();
  });
  window.addEventListener("online", send);
  keep();
  send();
})();
