// A channel: its messages with their threads, and the writing box below.

import { h, cls, lazy } from "./dom.js";
import { blocks } from "./blocks.js";
import { composer, composerVersion } from "./composer.js";
import { versionOf } from "./held.js";
import { clockTime, dayName, longTime, momentOf } from "./dates.js";
import { mrkdwn } from "./mrkdwn.js";
import { appAvatar, avatar, channelById, now, pictureUrl, userById } from "./people.js";
import { change, state } from "./store.js";

const SAME_SPEAKER = 5 * 60; // seconds within which the name is not repeated
const NEAR_END = 80; // pixels
let place = ""; // the channel the list was drawn for
let atEnd = true;

/** The messages of the shown channel and the composer. */
export function channelView() {
  const channel = channelById(state.channel);
  const name = channel?.kind === "dm" ? state.snap.app.name : `#${channel?.name ?? ""}`;
  return [
    h("div", {
      key: `log/${state.user}/${state.channel}`,
      class: "messages",
      role: "log",
      "aria-live": "polite",
      "aria-label": `Messages in ${name}`,
      tabIndex: 0,
      onscroll: (event) => noteScroll(event.target),
      mount: (el) => toEnd(el),
      update: (el) => atEnd && toEnd(el),
    }, state.snap.messages.length ? days(state.snap.messages) : nothing(channel, name)),
    h("div", { key: "foot", class: "writing" },
      state.snap.messages.length > 0 && h("button", {
        key: "jump", class: cls("jump", atEnd && "hidden"), onclick: () => toEnd(document.querySelector(".messages")),
      }, "↓ Latest"),
      composer(`${state.user}/${state.channel}`, { channel: state.channel, label: `Message ${name}` })),
  ];
}

function noteScroll(el) {
  const end = el.scrollHeight - el.scrollTop - el.clientHeight < NEAR_END;
  if (end === atEnd) return;
  atEnd = end;
  change();
}

function toEnd(el) {
  if (!el) return;
  atEnd = true;
  el.scrollTop = el.scrollHeight;
}

function nothing(channel, name) {
  return h("div", { class: "blank" },
    channel?.kind === "dm" ? appAvatar("big") : h("span", { class: "blank-mark", "aria-hidden": "true" }, "#"),
    h("h2", null, name),
    h("p", null, channel?.kind === "dm"
      ? "What the app has to tell you alone arrives here."
      : `Nothing was said here yet. Type ${state.snap.app.command} to see what the bot can do.`));
}

function days(messages) {
  const out = [];
  let day = "";
  let before = null;
  for (const message of messages) {
    const today = dayName(momentOf(message.ts), now());
    if (today !== day) out.push(h("div", { key: `d/${today}`, class: "day", role: "separator" }, h("span", null, today)));
    const follows = today === day && before && sameSpeaker(before, message);
    out.push(lazy(`m/${message.ts}`, depsOf(message, follows), () => messageRow(message, follows)));
    day = today;
    before = message;
  }
  return out;
}

// All that a message's looks depend on.
function depsOf(message, follows) {
  const scope = scopeOf(message);
  const unfolded = state.threads.has(`${state.channel}/${message.ts}`);
  const open = state.open?.key.startsWith(`m:${state.channel}:`) ? state.open : null;
  return [
    message, follows, state.snap, state.pending, state.pages, open, versionOf(scope), unfolded,
    unfolded ? composerVersion() : 0,
    unfolded ? message.replies.map((reply) => versionOf(scopeOf(reply))).join() : "",
  ];
}

function scopeOf(message) {
  return `m:${state.channel}:${message.ts}`;
}

function sameSpeaker(before, message) {
  return before.user === message.user
    && Boolean(before.bot) === Boolean(message.bot)
    && !before.ephemeral && !message.ephemeral && !before.reply_count
    && Number.parseFloat(message.ts) - Number.parseFloat(before.ts) < SAME_SPEAKER;
}

function messageRow(message, follows) {
  const from = speaker(message);
  const when = momentOf(message.ts);
  return h("article", {
    key: `m/${message.ts}`,
    class: cls("message", follows && "follows", message.ephemeral && "ephemeral", message.deleted && "deleted"),
    "aria-label": `${from.name}, ${clockTime(when)}${message.ephemeral ? ", only visible to you" : ""}`,
    "data-testid": "message",
    "data-ts": message.ts,
  },
  h("div", { class: "gutter" }, follows ? h("time", { class: "aside", title: longTime(when) }, clockTime(when)) : from.picture),
  h("div", { class: "said" },
    message.ephemeral && h("p", { key: "eye", class: "only-you" }, h("span", { "aria-hidden": "true" }, "👁 "), "Only visible to you"),
    !follows && h("p", { key: "by", class: "by" },
      h("strong", null, from.name),
      from.app && h("span", { class: "badge" }, "APP"),
      h("time", { title: longTime(when), datetime: when.toISOString() }, clockTime(when))),
    content(message),
    thread(message)));
}

function speaker(message) {
  if (message.user === state.snap.app.user_id) {
    return { name: message.name || state.snap.app.name, picture: appAvatar(), app: true };
  }
  const user = userById(message.user);
  const name = user?.real_name || user?.name || message.name || message.user;
  return { name, picture: avatar(user), app: Boolean(message.bot) };
}

function content(message) {
  if (message.deleted) return h("p", { key: "gone", class: "soft" }, "This message was deleted.");
  const where = {
    container: { type: "message", channel: state.channel, ts: message.ts },
    scope: scopeOf(message),
    user: state.user,
    state: message.state?.values ?? {},
  };
  return h("div", { key: "content", class: "content" },
    message.blocks?.length ? blocks(message.blocks, where) : message.text && h("div", { class: "text" }, mrkdwn(message.text)),
    (message.attachments ?? []).map((one, at) => attachment(one, at, where)),
    (message.files ?? []).map(file),
    message.edited && h("span", { key: "edited", class: "edited" }, "(edited)"));
}

function attachment(one, at, where) {
  const colour = { good: "#2eb886", warning: "#daa038", danger: "#a30200" }[one.color] ?? one.color ?? "";
  const bar = /^#?[0-9a-f]{3,8}$/i.test(colour) ? `#${colour.replace("#", "")}` : "";
  return h("div", { key: `a/${at}`, class: "attachment", style: bar ? { "--bar": bar } : {} },
    one.pretext && h("div", { class: "text" }, mrkdwn(one.pretext)),
    one.title && h("strong", null, one.title),
    one.blocks?.length ? blocks(one.blocks, where) : h("div", { class: "text" }, mrkdwn(one.text ?? one.fallback ?? "")));
}

function file(one) {
  const picture = one.mimetype?.startsWith("image/");
  return h("figure", { key: `f/${one.id}`, class: "file" },
    h("figcaption", null, one.title),
    picture
      ? h("img", { src: pictureUrl(one.url), alt: one.alt_text || one.title })
      : h("a", { href: pictureUrl(one.url), target: "_blank", rel: "noreferrer" }, "Open the file"));
}

function thread(message) {
  if (!message.reply_count) return null;
  const key = `${state.channel}/${message.ts}`;
  const open = state.threads.has(key);
  const toggle = () => {
    const threads = new Set(state.threads);
    if (!threads.delete(key)) threads.add(key);
    change({ threads });
  };
  const last = message.replies.at(-1);
  return h("div", { key: "thread", class: "thread" },
    h("button", { class: "thread-toggle", "aria-expanded": String(open), onclick: toggle },
      h("span", { class: "chevron", "aria-hidden": "true" }),
      message.reply_count === 1 ? "1 reply" : `${message.reply_count} replies`,
      last && h("span", { class: "soft" }, ` · last ${dayName(momentOf(last.ts), now())} ${clockTime(momentOf(last.ts))}`)),
    open && h("div", { key: "replies", class: "replies" },
      message.replies.map((reply) => messageRow(reply, false)),
      composer(`${state.user}/${key}`, { channel: state.channel, thread: message.ts, label: "Reply in the thread" })));
}

/** Keeps the end in sight when a picture arrives late. */
export function watchPictures() {
  document.addEventListener("load", (event) => {
    const box = event.target.closest?.(".messages");
    if (box && atEnd) toEnd(box);
  }, true);
}

/** Puts a new channel at its end; called after every redraw. */
export function followPlace() {
  const here = `${state.user}/${state.channel}`;
  if (here === place) return;
  place = here;
  toEnd(document.querySelector(".messages"));
}
