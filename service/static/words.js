// The texts in the reader's language. The page arrives with them; the scripts fetch the same file.

let words = {};
let numbers = {};

export let language = document.documentElement.lang;

// The text `key`, with its {places} filled in; nothing for a key that there is not.
export function say(key, values = {}) {
  return (words[key] ?? "").replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

export const percent = (share) => numbers.percent.format(share);
export const number = (value) => numbers.plain.format(value);
export const times = (sizes) => sizes.join(" × ");

// Change to a language: its words, and with them every text that is marked in the page.
export async function speak(chosen) {
  const answer = await fetch(`static/${chosen}.json`);
  words = await answer.json();
  language = document.documentElement.lang = chosen;
  numbers = {
    percent: new Intl.NumberFormat(chosen, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 }),
    plain: new Intl.NumberFormat(chosen, { maximumSignificantDigits: 3 }),
  };
  document.title = say("title");
  for (const each of document.querySelectorAll("[data-word]")) each.textContent = say(each.dataset.word);
  for (const each of document.querySelectorAll("[data-label]")) each.ariaLabel = each.title = say(each.dataset.label);
  for (const link of document.querySelectorAll("nav a")) link.ariaCurrent = link.lang === chosen ? "true" : null;
}
