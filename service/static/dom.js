// Short forms of what is done all the time to elements.

export const $ = (selector) => document.querySelector(selector);

// on(target, "pointerup pointercancel", act)
export function on(target, events, act) {
  for (const event of events.split(" ")) target.addEventListener(event, act);
}

// An element: make("p", { className: "faint" }, "text", another)
export function make(tag, properties = {}, ...content) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...content);
  return element;
}
