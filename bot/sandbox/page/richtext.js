// The `rich_text` block: sections, lists, quotes and preformatted text made of typed elements.

import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { slackDate } from "./dates.js";
import { mention, withBreaks } from "./mrkdwn.js";
import { link, nameOfChannel, nameOfGroup, now } from "./people.js";

/** Draws the elements of a rich_text block. */
export function richText(elements) {
  const out = [];
  for (const part of elements) {
    if (part.type === "rich_text_list") addList(out, part);
    else out.push(partOf(part));
  }
  return out;
}

function partOf(part) {
  if (part.type === "rich_text_quote") return h("blockquote", null, spans(part.elements));
  if (part.type === "rich_text_preformatted") return h("pre", null, spans(part.elements));
  return h("div", { class: "run" }, spans(part.elements));
}

function addList(out, part) {
  const tag = part.style === "ordered" ? "ol" : "ul";
  const items = part.elements.map((item) => h("li", null, spans(item.elements ?? [])));
  out.push(h(tag, { class: `indent${part.indent ?? 0}`, start: part.offset ? part.offset + 1 : null }, items));
}

function spans(elements) {
  return elements.map((element) => styled(spanOf(element), element.style ?? {}));
}

const SPANS = {
  text: (element) => withBreaks(element.text),
  link: (element) => [link(element.url, element.text || element.url)],
  emoji: (element) => [h("span", { class: "emoji", title: `:${element.name}:` }, fromUnicode(element))],
  user: (element) => [mention(element.user_id)],
  usergroup: (element) => [h("span", { class: "mention" }, `@${nameOfGroup(element.usergroup_id)}`)],
  channel: (element) => [h("span", { class: "mention" }, `#${nameOfChannel(element.channel_id)}`)],
  broadcast: (element) => [h("span", { class: "mention me" }, `@${element.range}`)],
  date: (element) => [h("time", { title: element.fallback }, slackDate(element.timestamp, element.format, now()))],
  color: (element) => [h("code", null, element.value)],
};

function spanOf(element) {
  return SPANS[element.type]?.(element) ?? [element.fallback ?? element.text ?? `[${element.type}]`];
}

function fromUnicode(element) {
  if (!element.unicode) return emoji(element.name);
  return String.fromCodePoint(...element.unicode.split("-").map((code) => Number.parseInt(code, 16)));
}

function styled(nodes, style) {
  let inner = nodes;
  if (style.code) inner = [h("code", null, inner)];
  if (style.strike) inner = [h("del", null, inner)];
  if (style.italic) inner = [h("em", null, inner)];
  if (style.bold) inner = [h("strong", null, inner)];
  return inner;
}
