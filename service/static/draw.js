// The drawing pad: strokes of a pointer or of the keyboard, on a paper of SIDE × SIDE units.

import { decode } from "./colours.js";
import { make, on } from "./dom.js";

const SIDE = 256;
const STEP = 8; // units that an arrow key moves

export class Pad {
  // changed: called after every change; pad.drawing says whether a stroke is under way.
  constructor(canvas, changed) {
    Object.assign(this, { canvas, changed, strokes: [], picture: null, width: 18, drawing: false, at: null });
    on(canvas, "pointerdown", (event) => this.begin(event));
    on(canvas, "pointermove", (event) => this.go(event));
    on(canvas, "pointerup pointercancel", (event) => event.pointerId === this.pointer && this.lift());
    on(canvas, "keydown", (event) => this.key(event));
    on(canvas, "blur", () => this.leave());
    this.show();
  }

  get empty() {
    return !this.strokes.length && !this.picture;
  }

  begin(event) {
    if (event.button || this.drawing) return;
    this.canvas.setPointerCapture(event.pointerId);
    Object.assign(this, { pointer: event.pointerId, at: null });
    this.put(this.where(event));
  }

  go(event) {
    if (!this.drawing || event.pointerId !== this.pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) this.strokes.at(-1).push(this.where(each));
    this.update();
  }

  // Put the pen down: a new stroke, in place of a picture if there was one.
  put(point) {
    this.picture = null;
    this.drawing = true;
    this.strokes.push([point]);
    this.update();
  }

  lift() {
    if (!this.drawing) return;
    this.drawing = false;
    this.update();
  }

  key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in moves || event.key === " ")) return;
    event.preventDefault();
    this.at ??= [SIDE / 2, SIDE / 2, this.width];
    this.pointer = null;
    if (event.key === " ") {
      if (this.drawing) this.lift();
      else this.put([...this.at]);
    } else {
      const [x, y] = moves[event.key];
      const inside = (value) => Math.min(SIDE, Math.max(0, value));
      this.at = [inside(this.at[0] + STEP * x), inside(this.at[1] + STEP * y), this.width];
      if (this.drawing) this.strokes.at(-1).push(this.at);
    }
    this.update(this.drawing || event.key === " ");
  }

  leave() {
    if (this.at) this.lift();
    this.at = null;
    this.show();
  }

  undo() {
    this.drawing = false;
    if (this.picture) this.picture = null;
    else this.strokes.pop();
    this.update();
  }

  clear() {
    Object.assign(this, { strokes: [], picture: null, drawing: false });
    this.update();
  }

  // Show a picture in place of strokes. seen: an ImageBitmap of it; null where the browser cannot read its format.
  place(blob, name, seen) {
    Object.assign(this, { strokes: [], picture: { blob, name, seen }, drawing: false });
    this.update();
  }

  update(altered = true) {
    this.show();
    if (altered) this.changed();
  }

  // Where on the paper, and how wide the pen is there: only a pen tells true pressure.
  where(event) {
    const box = this.canvas.getBoundingClientRect();
    const width = event.pointerType === "pen" && event.pressure ? this.width * (0.4 + 1.2 * event.pressure) : this.width;
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE, width];
  }

  show() {
    const { canvas, picture } = this;
    const style = getComputedStyle(canvas);
    const page = canvas.getContext("2d");
    page.setTransform(canvas.width / SIDE, 0, 0, canvas.height / SIDE, 0, 0);
    page.clearRect(0, 0, SIDE, SIDE);
    ink(page, this.strokes, style.color);
    if (picture?.seen) contain(page, picture.seen);
    if (picture && !picture.seen) caption(page, picture.name, style);
    if (this.at) cursor(page, this.at, style.accentColor);
    canvas.parentElement.classList.toggle("empty", this.empty);
  }

  // What is sent: the picture as it is, or the drawing as PNG, black on white.
  sent() {
    if (this.picture) return this.picture;
    const canvas = make("canvas", { width: SIDE, height: SIDE });
    const page = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    page.fillStyle = "white";
    page.fillRect(0, 0, SIDE, SIDE);
    ink(page, this.strokes, "black");
    // At once: toBlob waits until the browser is idle, which may take a second.
    const bytes = decode(canvas.toDataURL().split(",")[1]);
    return { blob: new Blob([bytes], { type: "image/png" }) };
  }
}

function ink(page, strokes, colour) {
  page.strokeStyle = page.fillStyle = colour;
  page.lineCap = page.lineJoin = "round";
  for (const [first, ...rest] of strokes) {
    page.beginPath();
    page.arc(first[0], first[1], first[2] / 2, 0, 7);
    page.fill();
    let [x, y] = first;
    for (const [nextX, nextY, width] of rest) {
      page.lineWidth = width;
      page.beginPath();
      page.moveTo(x, y);
      page.lineTo(nextX, nextY);
      page.stroke();
      [x, y] = [nextX, nextY];
    }
  }
}

function contain(page, seen) {
  const scale = SIDE / Math.max(seen.width, seen.height);
  const [width, height] = [seen.width * scale, seen.height * scale];
  page.drawImage(seen, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
}

function caption(page, text, style) {
  page.fillStyle = style.color;
  page.font = `14px ${style.fontFamily}`;
  page.textAlign = "center";
  page.fillText(text, SIDE / 2, SIDE / 2, SIDE - 20);
}

function cursor(page, [x, y, width], colour) {
  page.strokeStyle = colour;
  page.lineWidth = 2;
  page.beginPath();
  page.arc(x, y, width / 2 + 2, 0, 7);
  page.stroke();
}
