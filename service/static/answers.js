// The answer of one model: the label large, bars of the probabilities, milliseconds.

import { numbersCommand } from "./curl.js";
import { make, on } from "./dom.js";
import { number, percent, say } from "./words.js";

const IN_ORDER = 12; // up to so many labels, all bars stand, in the order of the labels
const SHOWN = 8; // the likeliest, of more

const labelOf = ({ label, value }) => label ?? number(value);

export class Answer {
  // seat: the model and its manifest; chosen(seat, version) is called when another version is chosen.
  constructor(seat, chosen) {
    this.seat = seat;
    this.label = make("p", { className: "label" });
    this.sure = make("p", { className: "sure" });
    this.took = make("p", { className: "faint took" });
    this.bars = make("ol", { className: "bars" });
    this.note = make("p", { className: "faint note" });
    this.versions = make("select");
    on(this.versions, "change", () => chosen(seat, Number(this.versions.value)));
    const head = make("header", {}, make("h3", { textContent: seat.model.name }), this.versions, this.took);
    const best = make("div", { className: "best" }, this.label, this.sure);
    this.element = make("article", { className: "answer" }, head, best, this.bars, this.note);
    this.element.dataset.model = seat.model.name;
  }

  get labels() {
    return this.seat.manifest.labels;
  }

  // A single label is the name of the number that a regression gives.
  get few() {
    return this.labels.length <= IN_ORDER;
  }

  // How many labels to ask for.
  get asks() {
    return this.few ? this.labels.length : SHOWN;
  }

  // No answer, and why: none yet, if nothing else is said.
  reset(why = "") {
    this.last = null;
    this.label.textContent = this.took.textContent = "";
    this.sure.textContent = why ? "" : say("waiting");
    this.note.textContent = why;
    this.fill([]);
  }

  // prediction: of POST /predict; trip: milliseconds from question to answer, seen from here.
  show(prediction, trip) {
    this.last = [prediction, trip];
    const label = labelOf(prediction);
    this.label.textContent = label;
    this.label.classList.toggle("long", label.length > 4);
    this.sure.textContent = "value" in prediction ? this.labels[0] : percent(prediction.probability);
    const { decode, preprocess, inference } = prediction.milliseconds;
    const [d, p, i, t] = [decode, preprocess, inference, trip].map(number);
    this.took.textContent = say("milliseconds", { all: number(decode + preprocess + inference) });
    this.took.title = say("milliseconds_more", { decode: d, preprocess: p, inference: i, trip: t });
    this.fill(prediction.top_k ?? []);
    this.note.textContent = this.few ? "" : say("more_labels", { shown: SHOWN, count: this.labels.length });
  }

  // A bar for each of these; where there are few labels, for every label in its place.
  fill(likeliest) {
    const found = (label) => likeliest.find((each) => each.label === label) ?? { label, probability: 0 };
    const rows = this.few && this.labels.length > 1 ? this.labels.map(found) : likeliest;
    while (this.bars.children.length > rows.length) this.bars.lastChild.remove();
    while (this.bars.children.length < rows.length) {
      this.bars.append(make("li", {}, make("span"), make("i", {}, make("i")), make("span")));
    }
    rows.forEach(({ label, probability }, at) => {
      const row = this.bars.children[at];
      const [name, bar, share] = row.children;
      name.textContent = label;
      bar.firstChild.style.width = `${100 * probability}%`;
      share.textContent = percent(probability);
      row.classList.toggle("top", label === this.last?.[0].label);
    });
  }

  // The versions that there are now, and what was said, in the language of now.
  again() {
    const { model, version } = this.seat;
    const options = [...model.versions].reverse().map((each) => {
      const text = each === model.version ? say("served", { version: each }) : each;
      return new Option(text, each, false, each === (version ?? model.version));
    });
    this.versions.replaceChildren(...options);
    this.versions.hidden = options.length < 2;
    this.versions.ariaLabel = say("version", { model: model.name });
    if (this.last) this.show(...this.last);
    else if (!this.note.textContent) this.reset();
  }

  sentence() {
    if (!this.last) return "";
    return say("says", { model: this.seat.model.name, label: labelOf(this.last[0]), probability: this.sure.textContent });
  }
}

// In place of an answer: a model of plain numbers cannot be asked from here, but with curl.
export class NumbersOnly {
  constructor(seat) {
    this.seat = seat;
    this.element = make("article", { className: "answer numbers" });
    this.element.dataset.model = seat.model.name;
  }

  reset() {}

  again() {
    const { model, manifest } = this.seat;
    const size = manifest.input.shape[1];
    this.element.replaceChildren(
      make("h3", { textContent: model.name }),
      make("p", { textContent: say("numbers_only", { model: model.name, size }) }),
      make("pre", { tabIndex: 0, ariaLabel: "curl" }, make("code", { textContent: numbersCommand(model.name, size) })),
    );
  }
}
