// What one model sees: its pixels, what carried the answer, its filters, and a strip of maps for each layer.

import { decode, overlay, picture } from "./colours.js";
import { make } from "./dom.js";
import { Strip } from "./strip.js";
import { say, times } from "./words.js";

const ACTIVATIONS = ["Relu", "Sigmoid", "Tanh", "Softmax"];
const ASIDE = ["Input", "Filters", "Occlusion", "Flatten"]; // no strip of their own in the order of the layers

export class Sight {
  constructor(seat, zoom) {
    Object.assign(this, { seat, zoom, strips: new Map(), filters: null });
    this.title = make("h3", { textContent: seat.model.name });
    this.said = make("p", { className: "faint" });
    this.plates = make("div", { className: "plates" });
    this.layers = make("div", { className: "layers" });
    this.element = make("article", { className: "sight" }, this.title, this.said, this.plates, this.layers);
  }

  // answer: of POST /explain, with the bytes of its layers.
  show(answer) {
    this.last = answer;
    this.title.textContent = `${answer.model} ${answer.version}`;
    this.said.textContent = "";
    const layers = answer.layers.filter((each) => each.values !== undefined).map(read);
    const find = (kind) => layers.find((each) => each.kind === kind);
    const [input, occlusion] = [find("Input"), find("Occlusion")];
    this.plate("pixels", picture(input, 0), { shape: times(input.shape) });
    if (occlusion) this.plate("occlusion", overlay(occlusion, input), { label: answer.label ?? answer.value });
    this.filters = find("Filters") ?? this.filters;
    if (this.filters) this.strip(this.filters, [say("filters"), say("filters_more")]);
    this.outputs(layers.filter((each) => !ASIDE.includes(each.kind)));
  }

  // Each layer as its activation leaves it; what it was before that is there too, if somebody wants to see it.
  outputs(layers) {
    layers.forEach((layer, at) => {
      const [before, after] = [layers[at - 1], layers[at + 1]];
      const active = before && ACTIVATIONS.includes(layer.kind);
      const title = active ? [`${before.name} → ${layer.name}`, kind(before), kind(layer)] : [layer.name, kind(layer)];
      this.strip(layer, title).classList.toggle("before", ACTIVATIONS.includes(after?.kind));
    });
  }

  strip(layer, title) {
    if (!this.strips.has(layer.name)) {
      const strip = new Strip(this.zoom, this.seat.manifest.labels);
      this.strips.set(layer.name, strip);
      this.layers.append(strip.element);
    }
    const strip = this.strips.get(layer.name);
    strip.show(layer, title);
    return strip.element;
  }

  // A single picture with its title.
  plate(word, drawn, values) {
    drawn.setAttribute("role", "img");
    drawn.ariaLabel = say(word);
    const about = make("span", { className: "faint", textContent: say(`${word}_more`, values) });
    const figure = make("figure", { className: "plate" }, drawn, make("figcaption", {}, make("b", { textContent: say(word) }), about));
    figure.dataset.plate = word;
    const old = this.plates.querySelector(`[data-plate=${word}]`);
    if (old) old.replaceWith(figure);
    else this.plates.append(figure);
  }

  again() {
    if (this.last) this.show(this.last);
  }

  refuse() {
    this.said.textContent = say("no_explanation");
  }
}

const kind = (layer) => say(`kind_${layer.kind}`) || layer.kind;

// A layer with its bytes decoded: `count` maps of `channels` × `size`, of which `shown` are there.
function read(layer) {
  const { shape } = layer;
  const single = shape.length === 1;
  const input = layer.kind === "Input";
  return {
    ...layer,
    single,
    bytes: decode(layer.values),
    size: single ? [1, 1] : shape.slice(-2),
    channels: input ? shape[0] : shape.length === 4 ? shape[1] : 1,
    count: input ? 1 : shape[0],
    shown: input ? 1 : layer.maps.length,
  };
}
