// The requests that the page made, as commands to copy.

import { make, on } from "./dom.js";
import { say } from "./words.js";

const EMBEDDED = 12_000; // bytes, up to which a picture stands in the command itself
const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

export class Curl {
  constructor(section) {
    this.blocks = ["curl_answer", "curl_layers", "curl_picture"].map((word) => {
      const code = make("code");
      const copy = make("button", { className: "copy" });
      on(copy, "click", async () => {
        await navigator.clipboard.writeText(code.textContent);
        copy.textContent = say("copied");
      });
      const title = make("h3");
      const text = make("pre", { tabIndex: 0 }, code);
      section.append(make("div", { className: "command" }, make("header", {}, title, copy), text));
      return { word, title, copy, code, text };
    });
  }

  // paths: of the requests, in the order of the blocks; blob and name: the picture, a drawing has no name.
  async show(paths, { blob, name }) {
    const source = await given(blob, name);
    paths.forEach((path, at) => {
      const block = this.blocks[at];
      const output = path.endsWith("png") ? " -o layer.png" : "";
      block.title.textContent = block.text.ariaLabel = say(block.word);
      block.copy.textContent = say("copy");
      const address = quoted(new URL(path, location.href).href.split("#")[0]);
      block.code.textContent = source.replace("CURL", () => `curl -H ${quoted(`Content-Type: ${blob.type}`)}${output} ${address}`);
    });
  }
}

async function given(blob, name) {
  if (name || blob.size > EMBEDDED) return `CURL --data-binary @${quoted(name ?? "drawing.png")}`;
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return `CURL --data-binary @- < <(base64 -d <<< ${btoa(String.fromCharCode(...bytes))})`;
}

// A model of plain numbers cannot be asked from here, but like this.
export function numbersCommand(name, size) {
  const row = JSON.stringify({ inputs: [Array(size).fill(0)] });
  const address = new URL(`predict/${encodeURIComponent(name)}`, location.href).href;
  return `curl -H 'Content-Type: application/json' -d ${quoted(row)} ${quoted(address)}`;
}
