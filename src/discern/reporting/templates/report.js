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
    const caption = this.slices[this.now].dataset.caption;
    this.slider.setAttribute("aria-valuetext", caption);
    this.root.querySelector(".caption").textContent = caption;
    this.onMove(this.now);
    this.writeValues();
  }

  // Marks the line that the other viewer's current slice draws on every slice of this one.
  markPosition(of) {
    for (const line of this.stage.querySelectorAll("line")) {
      line.classList.toggle("current", Number(line.dataset.of) === of);
    }
  }

  markDisc(disc) {
    for (const mark of this.stage.querySelectorAll(".mark")) {
      mark.classList.toggle("chosen", disc !== null && mark.dataset.disc === disc);
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
    for (const button of this.root.querySelectorAll(".jump")) {
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

function choose(disc, { move }) {
  for (const row of rows) {
    const chosen = row.dataset.disc === disc;
    row.classList.toggle("chosen", chosen);
    row.querySelector("button").setAttribute("aria-pressed", String(chosen));
    if (!chosen || !move) continue;
    for (const [name, viewer] of viewers) {
      if (row.dataset[name] !== undefined) viewer.show(Number(row.dataset[name]));
    }
  }
  for (const viewer of viewers.values()) viewer.markDisc(disc);
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
    choose(row.dataset.disc, { move: true });
    const sagittal = viewers.get("sagittal");
    if (sagittal) bringIntoView(sagittal);
  });
}
for (const viewer of viewers.values()) {
  viewer.stage.addEventListener("click", (event) => {
    const mark = event.target.closest(".mark[data-disc]");
    if (mark && !viewer.dragged) choose(mark.dataset.disc, { move: false });
  });
}

document.documentElement.dataset.ready = "true";
