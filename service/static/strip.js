// A layer as a strip of small maps or single values.

import { picture } from "./colours.js";
import { make, on } from "./dom.js";
import { number, say, times } from "./words.js";

const NAMED = 20; // outputs, up to so many, have their labels below

// One layer as a strip in a canvas, which pointer and arrow keys go through.
export class Strip {
  constructor(zoom, labels) {
    Object.assign(this, { zoom, labels, at: 0 });
    this.canvas = make("canvas", { tabIndex: 0 });
    this.canvas.setAttribute("role", "img");
    this.heading = make("b");
    this.about = make("span", { className: "faint" });
    this.element = make("figure", { className: "layer" }, make("figcaption", {}, this.heading, " ", this.about), this.canvas);
    const { canvas } = this;
    on(canvas, "pointermove pointerdown", (event) => this.point(event));
    on(canvas, "pointerleave blur", () => zoom.hide());
    on(canvas, "focus", () => canvas.matches(":focus-visible") && this.enlarge());
    on(canvas, "keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  // layer: as the service describes it, with its bytes; title: its name here, and what it is.
  show(layer, title) {
    Object.assign(this, { layer, title, pictures: null });
    this.draw();
    if (this.zoom.of === this) this.enlarge();
  }

  draw() {
    const { layer, element } = this;
    const room = element.clientWidth;
    if (!room || !layer) return;
    this.caption();
    this.pictures ??= Array.from({ length: layer.shown }, (_, at) => picture(layer, at));
    const [least, gap] = layer.single ? [layer.count > 300 ? 8 : layer.count > 20 ? 11 : 26, layer.count > 300 ? 0 : 1] : [38, 3];
    const rows = Math.ceil(layer.shown / Math.floor((room + gap) / ((room < 480 ? least : 1.15 * least) + gap)));
    const columns = Math.ceil(layer.shown / rows); // rows of about the same length
    const cell = Math.min(1.7 * least, Math.floor((room + gap) / columns) - gap);
    const named = layer.single && layer.count === this.labels.length && layer.count <= NAMED;
    Object.assign(this, { cell, gap, columns });
    const [width, height] = [columns * (cell + gap) - gap, rows * (cell + gap) - gap + (named ? 18 : 0)];
    const sharp = window.devicePixelRatio || 1;
    Object.assign(this.canvas, { width: width * sharp, height: height * sharp });
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    const page = this.canvas.getContext("2d");
    page.scale(sharp, sharp);
    page.imageSmoothingEnabled = false;
    this.pictures.forEach((each, at) => {
      const scale = cell / Math.max(each.width, each.height);
      page.drawImage(each, ...this.corner(at), each.width * scale, each.height * scale);
    });
    if (named) this.name(page);
  }

  // The labels below the values of an output.
  name(page) {
    const style = getComputedStyle(this.about);
    Object.assign(page, { font: `12px ${style.fontFamily}`, fillStyle: style.color, textAlign: "center" });
    this.labels.forEach((label, at) => page.fillText(label, this.corner(at)[0] + this.cell / 2, this.cell + 14, this.cell));
  }

  caption() {
    const { layer } = this;
    const [name, ...kinds] = this.title;
    const count = say(layer.single ? "units" : "maps", { count: layer.count, size: times(layer.size) });
    const some = layer.shown < layer.count && say("strongest", layer);
    this.heading.textContent = name;
    this.about.textContent = [...kinds, count, some].filter(Boolean).join(" · ");
    this.canvas.ariaLabel = say("keys_help", { caption: `${name}: ${count}` });
  }

  corner(at) {
    return [at % this.columns, Math.floor(at / this.columns)].map((index) => index * (this.cell + this.gap));
  }

  point(event) {
    const [column, row] = [event.offsetX, event.offsetY].map((value) => Math.max(0, Math.floor(value / (this.cell + this.gap))));
    const at = row * this.columns + Math.min(column, this.columns - 1);
    if (at < this.layer.shown) this.enlarge(at);
    else this.zoom.hide();
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns }[event.key];
    if (!step) return;
    event.preventDefault();
    this.enlarge(Math.min(this.layer.shown - 1, Math.max(0, this.at + step)));
    this.zoom.tell();
  }

  enlarge(at = this.at) {
    this.at = Math.min(at, this.layer.shown - 1);
    const { layer } = this;
    const area = layer.channels * layer.size[0] * layer.size[1];
    const values = layer.bytes.subarray(this.at * area, (this.at + 1) * area);
    const place = { layer: this.title[0], at: layer.maps[this.at] + 1, count: layer.count, size: times(layer.size) };
    const value = number(values[0] * layer.scale);
    const largest = number(values.reduce((most, each) => Math.max(most, each), -128) * layer.scale);
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = this.corner(this.at);
    this.zoom.show(this, this.pictures[this.at], say(layer.single ? "unit_title" : "map_title", { ...place, value, largest }), {
      x: box.left + x + this.cell / 2,
      top: box.top + y,
      bottom: box.top + y + this.cell,
    });
  }
}
