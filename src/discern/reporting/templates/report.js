"use strict";
// Shows, hides and moves what the page already holds. Nothing is loaded, computed or stored.

class Viewer {
  constructor(root) {
    this.root = root;
    this.stage = root.querySelector(".stage");
    this.slices = [...root.querySelectorAll(".slice")];
    this.slider = root.querySelector(".through");
    this.width = root.querySelector(".window .width");
    this.center = root.querySelector(".window .center");
    this.channels = root.querySelectorAll("feFuncR, feFuncG, feFuncB");
    this.turns = root.querySelectorAll(".turn");
    this.firstWindow = [this.width.value, this.center.value];
    this.onMove = () => {};
    this.now = Number(root.dataset.first);
    this.listen();
    this.show(this.now);
    this.applyWindow();
  }

  show(position) {
    this.now = Math.min(Math.max(position, 0), this.slices.length - 1);
    this.slices.forEach((slice, i) => slice.classList.toggle("shown", i === this.now));
    this.slider.value = this.now;
    const { caption, cuts } = this.slices[this.now].dataset;
    this.slider.setAttribute("aria-valuetext", cuts ? `${caption}: ${cuts}` : caption);
    this.root.querySelector(".caption").textContent = caption;
    this.root.querySelector(".cuts").textContent = cuts;
    for (const button of this.turns) {
      button.classList.toggle("here", Number(button.dataset.to) === this.now);
    }
    this.onMove(this.now);
    this.writeValues();
  }

  // Marks the line that the other viewer's current slice draws on every slice of this one.
  markPosition(of) {
    for (const line of this.stage.querySelectorAll("line")) {
      line.classList.toggle("current", Number(line.dataset.of) === of);
    }
  }

  // Marks the boxes of a disc, and the lines of the slices that cut it.
  markDisc(disc) {
    for (const mark of this.stage.querySelectorAll(".mark, .lines line")) {
      mark.classList.toggle("chosen", mark.dataset.disc === disc);
    }
  }

  // Linear window on grey values 0-255: black at center - width / 2, white at center + width / 2.
  applyWindow() {
    const width = Number(this.width.value);
    const center = Number(this.center.value);
    for (const channel of this.channels) {
      channel.setAttribute("slope", 255 / width);
      channel.setAttribute("intercept", 0.5 - center / width);
    }
    this.writeValues();
  }

  // The window in the units of the stored image.
  writeValues() {
    const { low, high } = this.slices[this.now].dataset;
    const unit = (high - low) / 255;
    const digits = unit < 0.05 ? 3 : 0;
    const width = (this.width.value * unit).toFixed(digits);
    const center = (Number(low) + this.center.value * unit).toFixed(digits);
    this.root.querySelector(".values").textContent = `W ${width}  L ${center}`;
  }

  listen() {
    this.slider.addEventListener("input", () => this.show(Number(this.slider.value)));
    for (const button of this.root.querySelectorAll(".step")) {
      button.addEventListener("click", () => this.show(this.now + Number(button.dataset.step)));
    }
    for (const button of this.root.querySelectorAll(".jump, .turn")) {
      button.addEventListener("click", () => this.show(Number(button.dataset.to)));
    }
    for (const box of this.root.querySelectorAll("[data-layer]")) {
      box.addEventListener("change", () => {
        this.root.classList.toggle(`no-${box.dataset.layer}`, !box.checked);
      });
    }
    for (const slider of [this.width, this.center]) {
      slider.addEventListener("input", () => this.applyWindow());
    }
    this.root.querySelector(".reset").addEventListener("click", () => {
      [this.width.value, this.center.value] = this.firstWindow;
      this.applyWindow();
    });
    this.stage.addEventListener("keydown", (event) => this.onKey(event));
    this.stage.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    this.listenToDrags();
  }

  onKey(event) {
    const steps = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 };
    const ends = { Home: 0, End: this.slices.length - 1 };
    if (event.key in steps) this.show(this.now + steps[event.key]);
    else if (event.key in ends) this.show(ends[event.key]);
    else return;
    event.preventDefault();
  }

  onWheel(event) {
    if (event.ctrlKey) return; // the browser's zoom
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY / 40 : event.deltaY;
    this.turned = (this.turned ?? 0) + lines;
    const steps = Math.trunc(this.turned);
    if (steps !== 0) {
      this.turned -= steps;
      this.show(this.now + Math.sign(steps));
    }
  }

  // Mouse: drag changes the window. Finger: sideways moves through the slices.
  listenToDrags() {
    let start = null;
    this.stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      start = {
        x: event.clientX, y: event.clientY, slice: this.now,
        width: Number(this.width.value), center: Number(this.center.value),
      };
      this.dragged = false;
    });
    this.stage.addEventListener("pointermove", (event) => {
      if (start === null) return;
      const right = event.clientX - start.x;
      const down = event.clientY - start.y;
      if (!this.dragged && Math.hypot(right, down) < 5) return;
      if (!this.dragged) this.stage.setPointerCapture(event.pointerId);
      this.dragged = true;
      if (event.pointerType === "touch") {
        this.show(start.slice + Math.round(right / 18));
      } else {
        this.width.value = start.width + right / 2;
        this.center.value = start.center + down / 2;
        this.applyWindow();
      }
    });
    for (const end of ["pointerup", "pointercancel"]) {
      this.stage.addEventListener(end, () => { start = null; });
    }
  }
}

const viewers = new Map();
for (const root of document.querySelectorAll("[data-viewer]")) {
  viewers.set(root.dataset.viewer, new Viewer(root));
}
const rows = [...document.querySelectorAll("tbody tr[data-disc]")];

function link(one, other) {
  if (!one || !other) return;
  one.onMove = (position) => other.markPosition(position);
  one.onMove(one.now);
}

// Shows all there is of one disc; the viewer in which it was clicked stays where it is.
function choose(disc, { stay = null } = {}) {
  for (const row of rows) {
    const chosen = row.dataset.disc === disc;
    row.classList.toggle("chosen", chosen);
    row.querySelector("button").setAttribute("aria-pressed", String(chosen));
    if (!chosen) continue;
    for (const [name, viewer] of viewers) {
      if (viewer !== stay && row.dataset[name] !== undefined) viewer.show(Number(row.dataset[name]));
    }
  }
  for (const part of document.querySelectorAll("[data-for]")) {
    part.classList.toggle("shown", part.dataset.for === disc);
  }
  for (const viewer of viewers.values()) viewer.markDisc(disc);
}

// Chooses the disc next above or below; returns its row.
function step(by) {
  const now = rows.findIndex((row) => row.classList.contains("chosen"));
  const row = rows[Math.min(Math.max(now + by, 0), rows.length - 1)];
  if (row) choose(row.dataset.disc);
  return row;
}

function bringIntoView(viewer) {
  const place = viewer.root.getBoundingClientRect();
  if (place.top > -place.height / 3 && place.top < window.innerHeight / 2) return;
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  viewer.root.scrollIntoView({ behavior: still ? "auto" : "smooth", block: "start" });
}

link(viewers.get("sagittal"), viewers.get("axial"));
link(viewers.get("axial"), viewers.get("sagittal"));

for (const row of rows) {
  row.addEventListener("click", () => {
    choose(row.dataset.disc);
    const sagittal = viewers.get("sagittal");
    if (sagittal) bringIntoView(sagittal);
  });
  row.addEventListener("keydown", (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    step(by).querySelector("button").focus();
  });
}
for (const viewer of viewers.values()) {
  viewer.stage.addEventListener("click", (event) => {
    const mark = event.target.closest(".mark[data-disc]");
    if (mark && !viewer.dragged) choose(mark.dataset.disc, { stay: viewer });
  });
  viewer.stage.addEventListener("keydown", (event) => {
    const by = { PageUp: -1, PageDown: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    step(by);
  });
}

// The command that names the discs anew.
function listenToAnchor(form) {
  const select = form.querySelector("select");
  const code = form.querySelector("code");
  const copy = form.querySelector(".copy");
  const write = () => {
    code.textContent = select.selectedOptions[0].dataset.command;
    copy.textContent = "Copy the command";
  };
  select.addEventListener("change", write);
  form.addEventListener("write", write);
  copy.addEventListener("click", async () => {
    window.getSelection().selectAllChildren(code);
    try {
      await navigator.clipboard.writeText(code.textContent);
      copy.textContent = "Copied";
    } catch { // no clipboard here, or not allowed
      copy.textContent = document.execCommand("copy") ? "Copied" : "Selected: copy it";
    }
  });
}
for (const form of document.querySelectorAll(".anchor")) listenToAnchor(form);

// Another reading of the lowest disc.
for (const button of document.querySelectorAll(".alternative")) {
  button.addEventListener("click", () => {
    const { disc } = rows[rows.length - 1].dataset;
    choose(disc);
    const form = document.querySelector(`.anchor[data-for="${disc}"]`);
    form.querySelector("select").value = button.dataset.level;
    form.dispatchEvent(new Event("write"));
  });
}

const first = rows.find((row) => "first" in row.dataset);
if (first) choose(first.dataset.disc);
document.documentElement.dataset.ready = "true";
