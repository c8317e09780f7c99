// The writing box: sends messages and slash commands, and completes commands and names.

import { h, cls } from "./dom.js";
import { act } from "./server.js";
import { change, recall, remember, state, toast } from "./store.js";

const MOST_SHOWN = 12;
const MOST_REMEMBERED = 50;
const texts = new Map(); // place → what is typed there
let completing = null; // {place, active, moved} while suggestions are shown
let version = 0; // grows with every change of a text or a list of suggestions
let recalled = -1; // how far back in the sent lines the arrow keys went

/** A number that grows whenever a writing box changes. */
export function composerVersion() {
  return version;
}

/** A writing box; `place` is where it stands, `to` is {channel, thread, label}. */
export function composer(place, to) {
  const text = texts.get(place) ?? "";
  const items = completing?.place === place ? suggestions(text) : [];
  const active = Math.min(completing?.active ?? 0, items.length - 1);
  const box = `complete-${to.thread ?? "main"}`.replace(".", "_");
  return h("form", {
    key: `composer/${place}`,
    class: "composer",
    onsubmit: (event) => {
      event.preventDefault();
      send(place, to);
    },
  },
  items.length > 0 && suggestionList(place, items, active, box),
  h("textarea", {
    key: "text",
    rows: 1,
    class: "composer-text",
    "aria-label": to.label,
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-expanded": String(items.length > 0),
    "aria-controls": box,
    "aria-activedescendant": items.length ? `${box}-${active}` : null,
    placeholder: to.thread ? "Reply…" : `${to.label}, or type ${state.snap.app.command}`,
    autocomplete: "off",
    spellcheck: "false",
    value: text,
    oninput: (event) => typed(place, event.target),
    onblur: () => setTimeout(() => completing?.place === place && stop(), 150),
    onkeydown: (event) => keys(event, place, to, items, active),
  }),
  h("button", { key: "send", class: cls("send", text.trim() && "ready"), type: "submit", "aria-label": "Send", disabled: !text.trim() },
    h("svg", { viewBox: "0 0 20 20", width: 18, height: 18, "aria-hidden": "true" }, h("path", { d: "M3 3.200 17.500 10 3 16.800l2.200-6L12 10 5.200 9.200z", fill: "currentColor" }))));
}

function suggestionList(place, items, active, box) {
  return h("ul", { key: "list", class: "completions", id: box, role: "listbox", "aria-label": "Commands" },
    items.map((item, at) => h("li", {
      key: item.text,
      id: `${box}-${at}`,
      role: "option",
      "aria-selected": String(at === active),
      class: cls("completion", at === active && "active"),
      onpointerdown: (event) => {
        event.preventDefault();
        accept(place, item);
      },
    }, h("code", null, item.text), h("span", { class: "soft" }, item.hint))));
}

/** What could follow what is typed: [{text, hint, more}]; `more` tells that something must follow. */
function suggestions(text) {
  if (!text.startsWith("/") || text.includes("\n")) return [];
  const typed = text.toLowerCase();
  const commands = state.snap.commands
    .filter((one) => one.text.startsWith(typed.trimEnd()) && one.text !== typed.trimEnd())
    .map((one) => ({ text: one.text, hint: one.hint ?? "" }));
  return [...commands, ...names(text)].slice(0, MOST_SHOWN);
}

function names(text) {
  const command = state.snap.commands
    .filter((one) => text.startsWith(`${one.text} `) && placeholder(one))
    .sort((a, b) => b.text.length - a.text.length)[0];
  if (!command) return [];
  const rest = text.slice(command.text.length + 1).toLowerCase();
  return state.snap.names[placeholder(command)]
    .filter((name) => name.includes(rest) && name !== rest)
    .map((name) => ({ text: `${command.text} ${name}`, hint: "" }));
}

// Which names a command takes: its hint begins with NAME or CLUSTER.
function placeholder(command) {
  return Object.keys(state.snap.names ?? {}).find((word) => (command.hint ?? "").startsWith(word));
}

function typed(place, el) {
  texts.set(place, el.value);
  recalled = -1;
  completing = { place, active: 0, moved: false };
  grow(el);
  redraw();
}

function grow(el) {
  el.style.height = "auto";
  el.style.height = `${Math.min(el.scrollHeight, 200)}px`;
}

function stop() {
  completing = null;
  redraw();
}

function redraw() {
  version += 1;
  change();
}

function accept(place, item) {
  const wantsMore = state.snap.commands.some((one) => one.text === item.text && /[A-Z]{3,}/.test(one.hint ?? ""));
  write(place, wantsMore ? `${item.text} ` : item.text);
}

/** Puts text into the writing box of a place and the caret behind it. */
export function write(place, text) {
  texts.set(place, text);
  completing = { place, active: 0, moved: false };
  redraw();
  queueMicrotask(() => {
    const el = [...document.querySelectorAll(".composer-text")].find((one) => one.closest(".replies") === null);
    const field = document.activeElement?.classList.contains("composer-text") ? document.activeElement : el;
    if (!field) return;
    field.value = text;
    field.focus();
    field.setSelectionRange(text.length, text.length);
    grow(field);
  });
}

function keys(event, place, to, items, active) {
  if (event.isComposing) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && items.length) {
    event.preventDefault();
    completing = { place, active: (active + step + items.length) % items.length, moved: true };
    redraw();
  } else if (step && !texts.get(place)?.includes("\n")) {
    recallLine(event, place, -step);
  } else if (event.key === "Tab" && items.length && !event.shiftKey) {
    event.preventDefault();
    accept(place, items[active]);
  } else if (event.key === "Escape" && items.length) {
    event.stopPropagation();
    stop();
  } else if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    if (items.length && completing.moved) accept(place, items[active]);
    else send(place, to);
  }
}

// The arrow keys bring back the lines sent before, as in a terminal.
function recallLine(event, place, back) {
  const lines = recall("lines", []);
  const fresh = recalled < 0 && texts.get(place);
  if (fresh || !lines.length || recalled + back < -1) return;
  event.preventDefault();
  recalled = Math.min(recalled + back, lines.length - 1);
  write(place, recalled < 0 ? "" : lines[recalled]);
  completing = null;
}

async function send(place, to) {
  const text = (texts.get(place) ?? "").trim();
  if (!text) return;
  recalled = -1;
  write(place, "");
  completing = null;
  remember("lines", [text, ...recall("lines", []).filter((line) => line !== text)].slice(0, MOST_REMEMBERED));
  const answer = await act({ do: "send", channel: to.channel, text, ...(to.thread ? { thread_ts: to.thread } : {}) });
  if (!answer.ok && !texts.get(place)) {
    write(place, text);
    toast(answer.error ?? "That was not sent.", "error");
  }
}
