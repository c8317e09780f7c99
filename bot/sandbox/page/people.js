// Who and what an id stands for.

import { state } from "./store.js";
import { h } from "./dom.js";

export function userById(id) {
  return state.snap.users.find((user) => user.id === id);
}

/** The users that are people, not apps. */
export function persons() {
  return state.snap.users.filter((user) => user.role !== "app" && user.id !== state.snap.app.user_id);
}

export function nameOfUser(id) {
  if (id === state.snap.app.user_id) return state.snap.app.name;
  const user = userById(id);
  return user ? user.real_name || user.name : id;
}

export function channelById(id) {
  return state.snap.channels.find((channel) => channel.id === id);
}

export function nameOfChannel(id) {
  return channelById(id)?.name ?? id;
}

export function nameOfGroup(id) {
  return state.snap.usergroups?.find((group) => group.id === id)?.handle ?? id;
}

export function now() {
  return new Date(state.snap.now);
}

/** The address to show a picture from: uploaded files come from this very server. */
export function pictureUrl(text) {
  const url = new URL(text, location.href);
  const ours = url.port === location.port && ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  return ours ? url.pathname + url.search : url.href;
}

/** Only web and mail addresses become links. */
export function safeUrl(text) {
  try {
    const url = new URL(text);
    return ["https:", "http:", "mailto:", "tel:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

export function link(url, ...children) {
  const href = safeUrl(url);
  return href
    ? h("a", { href, target: "_blank", rel: "noreferrer noopener" }, ...children)
    : h("span", null, ...children);
}

export function initials(name) {
  return [...name.trim()].slice(0, 2).join("");
}

/** A person's picture: the first letters of the name on their colour. */
export function avatar(user, size = "") {
  const name = user?.real_name || user?.name || "?";
  return h("span", { class: `avatar ${size}`, "aria-hidden": "true", style: { "--tint": colourOf(user) } }, initials(name));
}

function colourOf(user) {
  const colour = user?.color ?? "";
  if (/^#?[0-9a-f]{6}$/i.test(colour)) return colour.startsWith("#") ? colour : `#${colour}`;
  return "#5b6b8c";
}

export function appAvatar(size = "") {
  return h("img", { class: `avatar app ${size}`, src: "/page/icon.svg", alt: "", "aria-hidden": "true" });
}
