// The `markdown` block: ordinary Markdown, the part that apps use, drawn as nodes.

import { h } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { link } from "./people.js";

const INLINE = /(`[^`]+`)|(\*\*[^*]+\*\*)|(~~[^~]+~~)|(\*[^*\s][^*]*\*|_[^_\s][^_]*_)|(\[[^\]]+\]\([^)\s]+\))/;

/** Draws Markdown text. */
export function markdown(text) {
  const lines = text.split("\n");
  const out = [];
  for (let at = 0; at < lines.length; ) {
    const [node, next] = blockAt(lines, at);
    if (node) out.push(node);
    at = next;
  }
  return out;
}

function blockAt(lines, at) {
  const line = lines[at];
  if (!line.trim()) return [null, at + 1];
  if (line.startsWith("```")) return fence(lines, at);
  const heading = line.match(/^(#{1,6}) +(.*)$/);
  if (heading) return [h(`h${Math.min(heading[1].length + 2, 6)}`, null, inline(heading[2])), at + 1];
  if (/^(-{3,}|\*{3,})\s*$/.test(line)) return [h("hr"), at + 1];
  if (line.startsWith(">")) return run(lines, at, /^> ?/, (body) => h("blockquote", null, markdown(body.join("\n"))));
  if (/^\s*[-*+] /.test(line)) return run(lines, at, /^\s*[-*+] +/, (body) => list("ul", body));
  if (/^\s*\d+[.)] /.test(line)) return run(lines, at, /^\s*\d+[.)] +/, (body) => list("ol", body));
  if (/^\|.*\|\s*$/.test(line)) return run(lines, at, /^(?=\|)/, table);
  return paragraph(lines, at);
}

function fence(lines, at) {
  const end = lines.findIndex((line, index) => index > at && line.startsWith("```"));
  const stop = end < 0 ? lines.length : end;
  return [h("pre", null, lines.slice(at + 1, stop).join("\n")), stop + 1];
}

function run(lines, at, start, build) {
  let end = at;
  while (end < lines.length && start.test(lines[end])) end += 1;
  return [build(lines.slice(at, end).map((line) => line.replace(start, ""))), end];
}

function list(tag, items) {
  return h(tag, null, items.map((item) => h("li", null, inline(item))));
}

function table(rows) {
  const cells = rows.map((row) => row.trim().slice(1, -1).split("|").map((cell) => cell.trim()));
  const body = cells.filter((row, at) => !(at === 1 && row.every((cell) => /^:?-+:?$/.test(cell))));
  return h("table", { class: "grid" }, body.map((row, at) =>
    h("tr", null, row.map((cell) => h(at === 0 ? "th" : "td", null, inline(cell))))));
}

function paragraph(lines, at) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() && !/^(#{1,6} |>|```|\s*[-*+] |\s*\d+[.)] )/.test(lines[end])) end += 1;
  const body = lines.slice(at, end).flatMap((line, index) => (index === 0 ? inline(line) : [h("br"), ...inline(line)]));
  return [h("p", null, body), end];
}

function inline(text) {
  const match = text.match(INLINE);
  if (!match) return [withEmoji(text)];
  const before = text.slice(0, match.index);
  const after = text.slice(match.index + match[0].length);
  return [before && withEmoji(before), spanOf(match), ...inline(after)];
}

function spanOf([whole, code, bold, strike, italic]) {
  if (code) return h("code", null, code.slice(1, -1));
  if (bold) return h("strong", null, inline(bold.slice(2, -2)));
  if (strike) return h("del", null, inline(strike.slice(2, -2)));
  if (italic) return h("em", null, inline(italic.slice(1, -1)));
  const [, label, url] = whole.match(/^\[([^\]]+)\]\(([^)\s]+)\)$/);
  return link(url, label);
}
