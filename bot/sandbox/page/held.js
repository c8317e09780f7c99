// What a person typed or chose and the server has not shown back yet.

import { change } from "./store.js";
import { nextSnapshot, queue } from "./server.js";

const TYPING_PAUSE = 300; // milliseconds of silence after which typed text is sent
const held = new Map(); // "container|block|action" → {where, action, value, sent, settledAt}
const versions = new Map(); // container → how often something held for it changed
let timer = 0;

/** The name under which an element's value is held. */
export function keyOf(where, action) {
  return `${where.scope}|${where.block}|${action}`;
}

/** The value a person gave the element, or `fallback`, which is what the server says. */
export function valueOf(key, fallback) {
  const one = held.get(key);
  return one ? one.value : fallback;
}

/** A number that grows whenever something held for the container changes. */
export function versionOf(scope) {
  return versions.get(scope) ?? 0;
}

function touch(scope) {
  versions.set(scope, versionOf(scope) + 1);
}

/** Holds typed text and sends it after a pause. */
export function type(where, action, value) {
  held.set(keyOf(where, action), { where, action, value, extra: { quiet: true }, sent: false });
  touch(where.scope);
  clearTimeout(timer);
  timer = setTimeout(flush, TYPING_PAUSE);
  change();
}

/** Sends what was typed and not sent yet. */
export function flush() {
  clearTimeout(timer);
  for (const [key, one] of held) {
    if (one.sent) continue;
    one.sent = true;
    send(key, one);
  }
}

/** Holds a choice and sends it at once, after the text typed before it. */
export function choose(where, action, value, extra = {}) {
  flush();
  const key = keyOf(where, action);
  const one = { where, action, value, sent: true, extra };
  held.set(key, one);
  touch(where.scope);
  change();
  return send(key, one);
}

async function send(key, one) {
  const result = await queue({
    user: one.where.user,
    do: "block",
    container: one.where.container,
    block_id: one.where.block,
    action_id: one.action,
    value: one.value,
    ...one.extra,
  });
  if (held.get(key) === one) one.settledAt = nextSnapshot();
  return result;
}

/** Takes a choice back (a confirm dialog was denied). */
export function takeBack(where, action) {
  held.delete(keyOf(where, action));
  touch(where.scope);
  change();
}

/** What is held for the inputs of a view, as `{block: {action: value}}`; it counts as sent. */
export function valuesOf(scope, blocks) {
  const values = {};
  for (const one of inputsOf(scope)) {
    if (!isShown(one, blocks)) continue;
    (values[one.where.block] ??= {})[one.action] = one.value;
    one.sent = true;
  }
  return values;
}

/** From the next snapshot on, the server's values count for this view. */
export function settle(scope) {
  for (const one of inputsOf(scope)) if (one.sent) one.settledAt = nextSnapshot();
}

function inputsOf(scope) {
  return [...held.values()].filter((one) => one.where.scope === scope && one.where.input);
}

/** Drops what the snapshot `number` shows already, and what belongs to closed views. */
export function dropSettled(snap, number) {
  for (const [key, one] of held) {
    const gone = one.where.container.type === "view" && one.where.user === snap.me.id && isGone(one, snap);
    if (gone || (one.sent && one.settledAt !== undefined && one.settledAt <= number)) held.delete(key);
  }
}

function isGone(one, snap) {
  const view = snap.views.find((each) => each.id === one.where.container.view_id);
  return !view || !isShown(one, view.blocks);
}

function isShown(one, blocks) {
  return blocks.some((block) => block.block_id === one.where.block
    && [block.element, block.accessory, ...(block.elements ?? [])].some((each) => each?.action_id === one.action));
}
