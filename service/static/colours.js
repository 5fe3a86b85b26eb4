// Values as colours: above 0 blue, below 0 orange, 0 nothing; the root lets small values be seen beside large ones.

import { make } from "./dom.js";

const table = []; // by the unsigned byte
let ink = [0, 0, 0];

const mix = (from, to, share) => from.map((value, at) => value + (to[at] - value) * share);

// Take the colours of the page as they are now, light or dark.
export function takeColours() {
  const sample = make("i");
  document.body.append(sample);
  const [none, above, below, text] = ["wash", "first", "second", "ink"].map((name) => {
    sample.style.color = `var(--${name})`;
    return getComputedStyle(sample).color.match(/\d+/g).map(Number);
  });
  sample.remove();
  ink = text;
  for (let value = -128; value < 128; value++) {
    table[value & 255] = mix(none, value < 0 ? below : above, Math.sqrt(Math.abs(value) / 128));
  }
}

// The bytes of a layer in base64 as Int8Array.
export function decode(text) {
  return Int8Array.from(atob(text), (character) => character.charCodeAt(0));
}

// Map `at` of a layer as a small canvas at its own size. Pixels and filters of three colours are shown in them.
export function picture(layer, at) {
  const { channels, kind, size } = layer;
  const area = size[0] * size[1];
  const values = layer.bytes.subarray(at * channels * area, (at + 1) * channels * area);
  const three = (i, colour) => [0, 1, 2].map((channel) => colour(values[(channel % channels) * area + i]));
  if (kind === "Input") return paint(size, (i) => three(i, (value) => (value * 255) / 127));
  if (channels === 3) return paint(size, (i) => three(i, (value) => value + 127.5));
  return paint(size, (i) => table[values[i] & 255]);
}

// The occlusion laid over the picture that it is of.
export function overlay(occlusion, input) {
  const light = (i) => input.bytes[i] / 127; // its first colour is enough to see where things are
  return paint(occlusion.size, (i) => mix(table[occlusion.bytes[i] & 255], ink, 0.6 * light(i)));
}

function paint([height, width], colour) {
  const canvas = make("canvas", { width, height });
  const page = canvas.getContext("2d");
  const image = page.createImageData(width, height);
  for (let i = 0; i < width * height; i++) image.data.set([...colour(i), 255], 4 * i);
  page.putImageData(image, 0, 0);
  return canvas;
}
