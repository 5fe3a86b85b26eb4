// The enlarged map beside the pointer, with what it is.

import { on } from "./dom.js";

const SIDE = 208; // pixels of its longer side
const SINGLE = 64; // likewise, of a single value

export class Zoom {
  constructor(figure, status) {
    Object.assign(this, { figure, status, of: null });
    this.canvas = figure.querySelector("canvas");
    this.caption = figure.querySelector("figcaption");
    on(window, "scroll", () => this.hide());
    on(window, "keydown", (event) => event.key === "Escape" && this.hide());
  }

  // of: whose it is; place: the middle, the top and the bottom of what is enlarged.
  show(of, picture, text, place) {
    const { figure, canvas } = this;
    const scale = (picture.width === 1 ? SINGLE : SIDE) / Math.max(picture.width, picture.height);
    Object.assign(canvas, { width: picture.width, height: picture.height });
    canvas.getContext("2d").drawImage(picture, 0, 0);
    Object.assign(canvas.style, { width: `${picture.width * scale}px`, height: `${picture.height * scale}px` });
    this.caption.textContent = text;
    this.of = of;
    figure.hidden = false;
    const { width, height } = figure.getBoundingClientRect();
    const left = Math.max(8, Math.min(innerWidth - width - 8, place.x - width / 2));
    const top = place.top - height - 10 > 0 ? place.top - height - 10 : place.bottom + 10;
    Object.assign(figure.style, { left: `${left}px`, top: `${top}px` });
  }

  // To those who cannot see it.
  tell() {
    this.status.textContent = this.caption.textContent;
  }

  hide() {
    this.of = null;
    this.figure.hidden = true;
  }
}
