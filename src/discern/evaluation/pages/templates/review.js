"use strict";
// Keeps one verdict a slice, in this browser, and writes them as a file. Nothing is sent anywhere.

const slices = [...document.querySelectorAll(".slice")];
const cells = [...document.querySelectorAll(".cell")];
const undecidedOnly = document.querySelector(".undecided-only");
const showBoxes = document.querySelector(".show-boxes");
const { columns, dataDigest, predictionDigest } = document.body.dataset;
const KEY = `discern-review ${dataDigest} ${predictionDigest}`;
const ACCEPTED = "accepted";
const REJECTED = "rejected";
const verdicts = new Map(stored());
let now = 0;
let kept = true;

// A browser may forbid storage to local files; then the verdicts live as long as the page.
function stored() {
  try {
    const known = new Set(slices.map((slice) => slice.dataset.image));
    const entries = Object.entries(JSON.parse(localStorage.getItem(KEY) ?? "{}"));
    return entries.filter(([image, word]) => known.has(image) && [ACCEPTED, REJECTED].includes(word));
  } catch {
    return [];
  }
}

function keep() {
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(verdicts)));
    kept = true;
  } catch {
    kept = false;
  }
}

function verdictOf(position) {
  return verdicts.get(slices[position].dataset.image);
}

function draw() {
  slices.forEach((slice, i) => { slice.hidden = i !== now; });
  cells.forEach((cell, i) => {
    const word = verdictOf(i);
    cell.classList.toggle(ACCEPTED, word === ACCEPTED);
    cell.classList.toggle(REJECTED, word === REJECTED);
    cell.setAttribute("aria-current", String(i === now));
    cell.hidden = undecidedOnly.checked && word !== undefined && i !== now;
  });
  for (const button of document.querySelectorAll(".verdict")) {
    button.setAttribute("aria-pressed", String(verdictOf(now) === button.dataset.verdict));
  }
  const { image, plane } = slices[now].dataset;
  document.querySelector(".name").textContent = `${now + 1} of ${slices.length}: ${image} (${plane})`;
  document.querySelector(".count").textContent =
    `${verdicts.size} of ${slices.length} decided, ${slices.length - verdicts.size} to go`;
  document.querySelector("progress").value = verdicts.size;
  document.querySelector(".stored").textContent = kept
    ? "Kept in this browser." : "This browser keeps nothing for this page: download before closing it.";
  cells[now].scrollIntoView({ block: "nearest" });
}

// The next slice in a direction; with the filter on, the next undecided one. Stays where none is.
function step(direction) {
  for (let i = now + direction; i >= 0 && i < slices.length; i += direction) {
    if (!undecidedOnly.checked || verdictOf(i) === undefined) {
      now = i;
      break;
    }
  }
  draw();
}

function decide(word) {
  verdicts.set(slices[now].dataset.image, word);
  keep();
  step(1);
}

function clear() {
  verdicts.delete(slices[now].dataset.image);
  keep();
  draw();
}

function filter() {
  if (undecidedOnly.checked && verdictOf(now) !== undefined) {
    const first = slices.findIndex((_, i) => verdictOf(i) === undefined);
    if (first >= 0) now = first;
  }
  draw();
}

function field(text) {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function reviewCsv() {
  const rows = slices.filter((_, i) => verdictOf(i) !== undefined).map((slice) => {
    const { image, plane } = slice.dataset;
    return [image, plane, verdicts.get(image), dataDigest, predictionDigest].map(field).join(",");
  });
  return [columns, ...rows].join("\n") + "\n";
}

function download() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([reviewCsv()], { type: "text/csv" }));
  link.download = "review.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function toggle(box) {
  box.checked = !box.checked;
  box.dispatchEvent(new Event("change"));
}

const KEYS = {
  a: () => decide(ACCEPTED),
  r: () => decide(REJECTED),
  u: clear,
  f: () => toggle(undecidedOnly),
  b: () => toggle(showBoxes),
  ArrowLeft: () => step(-1),
  ArrowUp: () => step(-1),
  ArrowRight: () => step(1),
  ArrowDown: () => step(1),
};

if (slices.length > 0) {
  for (const button of document.querySelectorAll(".verdict")) {
    button.addEventListener("click", () => decide(button.dataset.verdict));
  }
  for (const button of document.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => step(Number(button.dataset.step)));
  }
  cells.forEach((cell, i) => cell.addEventListener("click", () => { now = i; draw(); }));
  document.querySelector(".clear").addEventListener("click", clear);
  document.querySelector(".download").addEventListener("click", download);
  undecidedOnly.addEventListener("change", filter);
  showBoxes.addEventListener("change", () => {
    document.body.classList.toggle("no-boxes", !showBoxes.checked);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  draw();
}
document.documentElement.dataset.ready = "true";
