// Slack's mrkdwn, drawn as nodes: text is only ever text, whatever it contains.

import { h } from "./dom.js";
import { emoji, withEmoji } from "./emoji.js";
import { slackDate } from "./dates.js";
import { link, nameOfChannel, nameOfGroup, nameOfUser, now } from "./people.js";
import { state } from "./store.js";

const MARKS = { "*": "strong", _: "em", "~": "del" };
const WORD = /[\p{L}\p{N}]/u;

/** Draws mrkdwn text (with Slack's `&amp;` `&lt;` `&gt;` escapes). */
export function mrkdwn(text) {
  return text.split(/```/).flatMap((part, at, parts) => {
    const code = at % 2 === 1 && at < parts.length - 1;
    if (code) return [h("pre", null, unescape(plainLinks(part.replace(/^\n/, "").replace(/\n$/, ""))))];
    const piece = at % 2 === 1 ? `\`\`\`${part}` : part;
    const trimmed = at > 0 ? piece.replace(/^\n/, "") : piece;
    return paragraphs(at < parts.length - 1 ? trimmed.replace(/\n$/, "") : trimmed);
  });
}

function paragraphs(text) {
  if (!text) return [];
  const out = [];
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; ) {
    const rest = quoteOfRest(lines, at);
    if (rest) return [...out, h("blockquote", null, rest)];
    const end = endOf(lines, at);
    const quoted = isQuote(lines[at]);
    const body = lines.slice(at, end).map((line) => (quoted ? line.replace(/^(&gt;|>) ?/, "") : line));
    out.push(quoted ? h("blockquote", null, broken(body)) : h("span", { class: "run" }, broken(body)));
    at = end;
  }
  return out;
}

function isQuote(line) {
  return /^(&gt;|>)/.test(line);
}

function quoteOfRest(lines, at) {
  const start = lines[at].match(/^(?:(?:&gt;){3}|>>>) ?(.*)$/);
  return start ? broken([start[1], ...lines.slice(at + 1)]) : null;
}

function endOf(lines, at) {
  const quoted = isQuote(lines[at]);
  let end = at + 1;
  while (end < lines.length && isQuote(lines[end]) === quoted) end += 1;
  return end;
}

function broken(lines) {
  return lines.flatMap((line, at) => (at === 0 ? inline(line) : [h("br"), ...inline(line)]));
}

/** Draws one line: code, links, mentions, dates, emoji and the three marks. */
export function inline(text) {
  const out = [];
  let plain = "";
  const flush = () => {
    if (plain) out.push(...withUrls(unescape(plain)));
    plain = "";
  };
  for (let at = 0; at < text.length; ) {
    const found = code(text, at) ?? angle(text, at) ?? marked(text, at) ?? shortcode(text, at);
    if (found) {
      flush();
      out.push(found.node);
      at += found.length;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  flush();
  return out;
}

function code(text, at) {
  if (text[at] !== "`") return null;
  const end = text.indexOf("`", at + 1);
  if (end <= at + 1) return null;
  return { node: h("code", null, unescape(plainLinks(text.slice(at + 1, end)))), length: end + 1 - at };
}

function angle(text, at) {
  if (text[at] !== "<") return null;
  const end = text.indexOf(">", at);
  if (end < 0) return null;
  const node = reference(text.slice(at + 1, end));
  return node ? { node, length: end + 1 - at } : null;
}

// <@U1>, <#C1|name>, <!date^…|fallback>, <!subteam^S1>, <!here>, <https://…|label>
function reference(body) {
  const bar = body.indexOf("|");
  const target = bar < 0 ? body : body.slice(0, bar);
  const label = bar < 0 ? "" : unescape(body.slice(bar + 1));
  if (target.startsWith("@")) return mention(target.slice(1), label);
  if (target.startsWith("#")) return h("span", { class: "mention" }, `#${label || nameOfChannel(target.slice(1))}`);
  if (target.startsWith("!")) return special(target.slice(1), label);
  const url = unescape(target);
  return /^[a-z][a-z0-9+.-]*:/i.test(url) ? link(url, label || url.replace(/^mailto:/, "")) : null;
}

export function mention(id, label = "") {
  const me = id === state.snap.me.id;
  return h("span", { class: me ? "mention me" : "mention" }, `@${label || nameOfUser(id)}`);
}

function special(target, label) {
  const [name, ...rest] = target.split("^");
  if (name === "date") return dateNode(rest, label);
  if (name === "subteam") return h("span", { class: "mention" }, `@${(label || nameOfGroup(rest[0])).replace(/^@/, "")}`);
  return h("span", { class: "mention me" }, `@${name}`);
}

function dateNode([seconds, pattern = "{date}", url], fallback) {
  const known = /^\d+$/.test(seconds ?? "");
  const text = known ? slackDate(Number(seconds), unescape(pattern), now()) : fallback;
  const node = h("time", { datetime: known ? new Date(seconds * 1000).toISOString() : null, title: fallback }, text);
  return url ? link(unescape(url), node) : node;
}

function marked(text, at) {
  const tag = MARKS[text[at]];
  if (!tag || WORD.test(text[at - 1] ?? " ") || /\s/.test(text[at + 1] ?? " ")) return null;
  for (let end = text.indexOf(text[at], at + 2); end > 0; end = text.indexOf(text[at], end + 1)) {
    const closes = !/\s/.test(text[end - 1]) && !WORD.test(text[end + 1] ?? " ");
    if (closes) return { node: h(tag, null, inline(text.slice(at + 1, end))), length: end + 1 - at };
  }
  return null;
}

function shortcode(text, at) {
  const match = text[at] === ":" && text.slice(at).match(/^:([a-z0-9_+'-]+(?:::[a-z0-9_-]+)?):/);
  if (!match || emoji(match[1]) === match[0]) return null;
  return { node: h("span", { class: "emoji", title: match[0] }, emoji(match[1])), length: match[0].length };
}

// A bare address in the text becomes a link, as Slack does.
function withUrls(text) {
  return text.split(/(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)])/).map((part, at) => (at % 2 ? link(part, part) : part));
}

function plainLinks(text) {
  return text.replace(/<((?:https?|mailto):[^|>]*)(?:\|([^>]*))?>/g, (_whole, url, label) => label ?? url);
}

/** Undoes Slack's three escapes. */
export function unescape(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

/** Draws a text object (`plain_text` or `mrkdwn`), or nothing. */
export function textObject(object) {
  if (!object) return [];
  if (object.type === "mrkdwn") return mrkdwn(object.text);
  return withBreaks(object.emoji === false ? object.text : withEmoji(object.text));
}

export function withBreaks(text) {
  return text.split("\n").flatMap((line, at) => (at === 0 ? [line] : [h("br"), line]));
}

/** The text of a text object without any marks, for labels and searching. */
export function plainText(object) {
  return object ? withEmoji(unescape(object.text ?? "")) : "";
}
