// The page: what is drawn is asked of every model that is chosen, and shown.

import { Answer, NumbersOnly } from "./answers.js";
import { ask, Rounds, Trouble, useKey } from "./ask.js";
import { card } from "./cards.js";
import { takeColours } from "./colours.js";
import { Curl } from "./curl.js";
import { $, make, on } from "./dom.js";
import { Pad } from "./draw.js";
import { pictures } from "./pictures.js";
import { Sight } from "./sight.js";
import { language, say, speak } from "./words.js";
import { Zoom } from "./zoom.js";

const MOST_CHOSEN = 4; // models that answer by default
const LOOK_AGAIN = 3000; // milliseconds, while there is no model at all

const zoom = new Zoom($("#zoom"), $("#status"));
const curl = new Curl($("#curl"));
const pad = new Pad($("#pad"), changed);
const rounds = new Rounds(round, report);
let seats = []; // of each model: what the store says of it, and what shows what it says
let trouble = null; // what the page says is wrong, as a function that says it again in another language
let telling = 0;

function changed() {
  $("#sees").hidden = $("#curl").hidden = pad.empty;
  if (pad.empty) for (const each of seats) each.answer.reset();
  else rounds.wanted();
}

// Ask every chosen model for its answer, then for its layers.
async function round(signal) {
  if (!seats.length) await load();
  if (pad.empty) return;
  const [picture, atRest] = [pad.sent(), !pad.drawing];
  const asked = seats.filter((each) => each.chosen && each.manifest.input.kind === "image");
  const results = await Promise.allSettled(asked.map((each) => consult(each, picture.blob, atRest, signal)));
  if (signal.aborted || pad.empty) return;
  tell(asked);
  if (asked.length) await curl.show(asked[0].paths, picture);
  const failures = results.flatMap((each) => each.reason ?? []);
  // A defect comes first, then what passes by itself: it is what makes the round be done again.
  const worst = failures.find((each) => !(each instanceof Trouble)) ?? failures.find((each) => each.passes) ?? failures[0];
  if (worst) throw worst;
}

async function consult(each, body, atRest, signal) {
  const path = (route, parameters) => {
    const version = each.version ? [["version", each.version]] : [];
    return `${route}/${encodeURIComponent(each.model.name)}?${new URLSearchParams([...version, ...parameters])}`;
  };
  const explain = (names, format) => path("explain", [...names.map((name) => ["layer", name]), ["format", format]]);
  try {
    each.paths = [path("predict", [["top_k", each.answer.asks]])];
    const began = performance.now();
    const said = await ask(each.paths[0], { body, signal });
    each.answer.show(said.predictions[0], performance.now() - began);
    if (!each.version && said.version !== each.manifest.version) await renew(each);
    const aside = [...(atRest ? ["occlusion"] : []), ...(each.sight.filters ? [] : ["filters"])];
    each.paths.push(explain(["all", ...aside], "int8"));
    const explained = await ask(each.paths[1], { body, signal });
    each.sight.show(explained);
    each.paths.push(explain([explained.layers[1].name], "png"));
  } catch (error) {
    if (error.code === "no_explanation") return each.sight.refuse();
    if (error instanceof Trouble && !error.passes) each.answer.reset(words(error));
    throw error;
  }
}

// The answers for those who cannot see them, when the pen has rested a while.
function tell(asked) {
  clearTimeout(telling);
  telling = setTimeout(() => ($("#status").textContent = asked.map((each) => each.answer.sentence()).join(" ")), 500);
}

function words({ code = "failed", message, seconds }) {
  const key = /too_large$/.test(code) ? "too_large" : /image$/.test(code) ? "unreadable" : code;
  return say(key, { message, seconds }) || say("failed", { message });
}

// Say what is wrong, or, with null, that it is over.
function report(what) {
  if (trouble && !what) $("#status").textContent = say("back");
  trouble = what && (() => words(what));
  $("#key").hidden = what?.code !== "unauthorized";
  $("#key p").textContent = say($("#key input").value ? "not_trusted" : "unauthorized");
  $("#trouble").hidden = !what || !$("#key").hidden;
  $("#trouble p").textContent = trouble?.();
}

const manifest = (name, version) => ask(`models/${encodeURIComponent(name)}${version ? `?version=${version}` : ""}`);

// What stands in the store. Pictures are asked of every model that takes them, until somebody chooses.
async function load() {
  const { models } = await ask("models");
  const there = models.filter((model) => model.version !== null);
  const manifests = await Promise.all(there.map((model) => manifest(model.name)));
  let left = MOST_CHOSEN;
  seats = there.map((model, at) => seat(model, manifests[at], manifests[at].input.kind === "image" && left-- > 0));
  arrange();
  if (seats.length) return;
  setTimeout(() => rounds.wanted(), LOOK_AGAIN);
  throw new Trouble("none_published");
}

function seat(model, manifest, chosen) {
  const each = { model, manifest, chosen, version: null };
  each.answer = manifest.input.kind === "image" ? new Answer(each, choose) : new NumbersOnly(each);
  each.sight = new Sight(each, zoom);
  return each;
}

async function choose(each, version) {
  try {
    each.manifest = await manifest(each.model.name, version);
  } catch (error) {
    return each.answer.reset(words(error));
  }
  each.version = version === each.model.version ? null : version;
  each.sight = new Sight(each, zoom);
  arrange();
  changed();
}

// Another version is served than the one that was: take over its manifest, and what the store holds now.
async function renew(each) {
  const { models } = await ask("models");
  each.model = models.find((model) => model.name === each.model.name) ?? each.model;
  each.manifest = await manifest(each.model.name);
  each.sight = new Sight(each, zoom);
  arrange();
}

// Put everything in its place that depends on which models there are.
function arrange() {
  const at = [...document.querySelectorAll("#chooser input")].indexOf(document.activeElement);
  const boxes = seats.map((each) => {
    const box = make("input", { type: "checkbox", checked: each.chosen });
    on(box, "change", () => {
      each.chosen = box.checked;
      arrange();
      changed();
    });
    return make("label", { className: "check" }, box, each.model.name);
  });
  const chosen = seats.filter((each) => each.chosen);
  $("#chooser").replaceChildren($("#chooser legend"), ...boxes);
  boxes[at]?.firstChild.focus();
  $(".answers").replaceChildren(...chosen.map((each) => each.answer.element));
  $(".sights").replaceChildren(...chosen.map((each) => each.sight.element));
  $(".cards").replaceChildren(...seats.map((each) => card(each)));
  for (const each of seats) each.answer.again();
}

// Everything that was said, once more: in another language or in other colours.
function again() {
  arrange();
  pad.show();
  for (const each of seats) each.sight.again();
  if (trouble) $("#trouble p").textContent = trouble();
}

async function start() {
  on($("#undo"), "click", () => pad.undo());
  on($("#clear"), "click", () => pad.clear());
  on($("#width"), "input", (event) => (pad.width = Number(event.target.value)));
  on($("#before"), "change", (event) => document.body.classList.toggle("all-layers", event.target.checked));
  on($("#trouble button"), "click", () => rounds.retry());
  on($("#key"), "submit", (event) => {
    event.preventDefault();
    useKey($("#key input").value);
    rounds.retry();
  });
  on(document, "keydown", (event) => {
    if (event.key === "z" && (event.ctrlKey || event.metaKey) && event.target.type !== "password") pad.undo();
  });
  for (const link of document.querySelectorAll("nav a")) {
    on(link, "click", async (event) => {
      event.preventDefault();
      history.replaceState(null, "", link.href);
      await speak(link.lang);
      again();
      rounds.wanted();
    });
  }
  on(matchMedia("(prefers-color-scheme: dark)"), "change", () => (takeColours(), again()));
  pictures(pad, (code, message) => report(new Trouble(code, message)));
  takeColours();
  await speak(language);
  rounds.wanted();
}

start();
