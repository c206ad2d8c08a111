"use strict";

// Brings what is new into the parts of a page that say they may change. Every page works without.
const EVERY = 3000;

const busy = (part) =>
  part.contains(document.activeElement) && document.activeElement.matches("input, select, summary, button")
  || part.querySelector("details.confirm[open], input[name=plan]:checked") !== null;

const plain = (part) => {
  const copy = part.cloneNode(true);
  // What moves by itself is nothing new.
  copy.querySelectorAll("input[name=form]").forEach((field) => field.remove());
  return copy.innerHTML;
};

const swap = (part, next) => {
  const open = [...part.querySelectorAll("details")].map((one) => one.open);
  const place = [...part.querySelectorAll("a")].indexOf(document.activeElement);
  part.replaceChildren(...next.childNodes);
  part.querySelectorAll("details").forEach((one, i) => { one.open = open[i] ?? one.open; });
  if (place >= 0) part.querySelectorAll("a")[place]?.focus();
};

const refresh = async () => {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-part]")) {
    const next = page.getElementById(part.id);
    if (next && !busy(part) && plain(next) !== plain(part)) swap(part, next);
  }
};

const live = async () => {
  const fresh = document.getElementById("fresh");
  if (!document.hidden) {
    try {
      await refresh();
      fresh.textContent = "Live.";
    } catch {
      fresh.textContent = "Not live: the gate does not answer. Trying again.";
    }
  }
  setTimeout(live, EVERY);
};

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-all]")) return;
  for (const box of document.querySelectorAll("input[name=plan]")) box.checked = event.target.checked;
});

document.querySelectorAll("[data-copy]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  });
});

if (document.querySelector("main[data-live]")) setTimeout(live, EVERY);
