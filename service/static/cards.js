// Model cards: what each model is, how good it is, and the reports of its published versions.

import { make } from "./dom.js";
import { language, say } from "./words.js";

// Of a model as GET /models lists it, and the manifest of the version that answers.
export function card({ model, manifest }) {
  const { version, metrics, parameters, training, architecture, created } = manifest;
  const facts = make("ul", { className: "facts" });
  if (metrics?.accuracy) facts.append(fact(`${(100 * metrics.accuracy).toFixed(2)}%`, say("accuracy", { samples: whole(metrics.samples) })));
  if (parameters) facts.append(fact(whole(parameters), say("parameters")));
  const dataset = training?.dataset?.name;
  const trained = dataset ? say("trained_on", { dataset, date: new Date(created).toLocaleDateString(language) }) : "";
  const reports = [...model.versions].reverse().map((each) => {
    const href = `models/${encodeURIComponent(model.name)}/versions/${each}/report/`;
    return make("li", {}, make("a", { href, textContent: say("report", { version: each }) }));
  });
  return make(
    "article",
    { className: "card" },
    make("h3", { textContent: `${model.name} ${version}` }),
    facts,
    make("p", {}, make("code", { textContent: architecture ?? "" })),
    make("p", { className: "faint", textContent: trained }),
    make("ul", { className: "reports" }, ...reports),
  );
}

const fact = (value, what) => make("li", {}, make("b", { textContent: value }), ` ${what}`);
const whole = (value) => (value ?? 0).toLocaleString(language);
