// Selects with search, single and multiple, and overflow menus.

import { h, cls } from "./dom.js";
import { domId } from "./blocks.js";
import { keyOf, valueOf } from "./held.js";
import { plainText, textObject } from "./mrkdwn.js";
import { persons, safeUrl } from "./people.js";
import { closeOpen, floating } from "./popover.js";
import { actNow } from "./server.js";
import { change, state } from "./store.js";

const SEARCH_PAUSE = 200; // milliseconds
let timer = 0;

// What kind of thing each select picks, and where its state keeps it.
const SOURCES = {
  static_select: ["option", "selected_option", "initial_option"],
  external_select: ["option", "selected_option", "initial_option"],
  users_select: ["user", "selected_user", "initial_user"],
  channels_select: ["channel", "selected_channel", "initial_channel"],
  conversations_select: ["conversation", "selected_conversation", "initial_conversation"],
  multi_static_select: ["option", "selected_options", "initial_options"],
  multi_external_select: ["option", "selected_options", "initial_options"],
  multi_users_select: ["user", "selected_users", "initial_users"],
  multi_channels_select: ["channel", "selected_channels", "initial_channels"],
  multi_conversations_select: ["conversation", "selected_conversations", "initial_conversations"],
};

const asItem = {
  option: (option) => ({ id: option.value, text: plainText(option.text), more: plainText(option.description), value: option }),
  user: (id) => ({ id, text: nameOf(id), value: id }),
  channel: (id) => ({ id, text: nameOf(id), value: id }),
  conversation: (id) => ({ id, text: nameOf(id), value: id }),
};

function nameOf(id) {
  const user = state.snap.users.find((one) => one.id === id);
  if (user) return user.real_name || user.name;
  const channel = state.snap.channels.find((one) => one.id === id);
  return channel ? `#${channel.name}` : id;
}

/** Draws a select of any kind; `use(one, where, value)` gives it a value. */
export function picker(one, where, use) {
  const [thing, name, initial] = SOURCES[one.type];
  const multi = one.type.startsWith("multi_");
  const saved = where.values[one.action_id];
  const value = valueOf(keyOf(where, one.action_id), (saved ? saved[name] : one[initial]) ?? null);
  const chosen = (multi ? value ?? [] : value ? [value] : []).map(asItem[thing]);
  const self = { one, where, use, multi, thing, chosen, key: keyOf(where, one.action_id) };
  self.anchor = where.control ?? domId(where.id, one.action_id);
  const open = state.open?.key === self.key;
  return h("div", { key: `s/${one.action_id}`, class: cls("select", multi && "multi", !where.input && "inline") },
    multi && chosen.length > 0 && h("ul", { class: "chips", "aria-label": "Chosen" }, chosen.map((item) => chip(self, item))),
    trigger(self, open),
    !multi && chosen.length > 0 && where.optional && h("button", {
      class: "clear", type: "button", "aria-label": "Clear", onclick: () => use(one, where, null),
    }, "×"),
    open && list(self));
}

function chip(self, item) {
  const rest = self.chosen.filter((each) => each.id !== item.id).map((each) => each.value);
  return h("li", { key: item.id, class: "chip" }, item.text,
    h("button", { type: "button", "aria-label": `Remove ${item.text}`, onclick: () => self.use(self.one, self.where, rest) }, "×"));
}

function trigger(self, open) {
  const { one, where, chosen, multi } = self;
  const hint = plainText(one.placeholder) || "Choose…";
  const text = multi || !chosen.length ? hint : chosen[0].text;
  const labelled = where.label ? `${where.label} ${self.anchor}` : null;
  return h("button", {
    type: "button",
    id: self.anchor,
    class: cls("trigger", (multi || !chosen.length) && "empty"),
    role: "combobox",
    "aria-haspopup": "listbox",
    "aria-expanded": String(open),
    "aria-labelledby": labelled,
    "aria-label": labelled ? null : [where.labelText, text].filter(Boolean).join(": "),
    "aria-describedby": where.notes,
    "aria-invalid": where.invalid ? "true" : null,
    "data-action": one.action_id,
    "data-opens": self.key,
    "data-focus": one.focus_on_load ?? null,
    onclick: () => (open ? closeOpen() : openPicker(self)),
    onkeydown: (event) => {
      if (["ArrowDown", "ArrowUp"].includes(event.key) && !open) {
        event.preventDefault();
        openPicker(self);
      }
    },
  }, h("span", { class: "trigger-text" }, text), h("span", { class: "chevron", "aria-hidden": "true" }));
}

function openPicker(self) {
  change({ open: { key: self.key, anchor: self.anchor, query: "", active: -1, found: null, loading: false } });
  if (self.one.type.endsWith("external_select")) search(self, "");
}

function least(one) {
  return one.min_query_length ?? 3;
}

// Asks the app for options after a pause; an answer that comes late is dropped.
function search(self, query) {
  clearTimeout(timer);
  const mine = { ...state.open, query, active: -1, loading: query.length >= least(self.one), found: null };
  change({ open: mine });
  if (!mine.loading) return;
  timer = setTimeout(async () => {
    const answer = await actNow({
      do: "options",
      container: self.where.container,
      block_id: self.where.block,
      action_id: self.one.action_id,
      query,
    });
    if (state.open?.key === self.key && state.open.query === query) {
      change({ open: { ...state.open, loading: false, found: answer.ok ? answer : { options: [], failed: true } } });
    }
  }, query ? SEARCH_PAUSE : 0);
}

/** The groups to choose from: [{label, items}]. */
function groups(self) {
  const { one, thing } = self;
  const open = state.open;
  if (thing === "user") return only(persons().map((user) => user.id), self, open.query);
  if (thing === "channel") return only(channelIds("channel"), self, open.query);
  if (thing === "conversation") return only(conversationIds(one.filter), self, open.query);
  const from = one.type.endsWith("external_select") ? open.found ?? {} : one;
  const query = one.type.endsWith("external_select") ? "" : open.query;
  if (from.option_groups?.length) {
    return from.option_groups.map((group) => ({ label: plainText(group.label), items: matching(group.options, self, query) }))
      .filter((group) => group.items.length);
  }
  return only(from.options ?? [], self, query);
}

function only(values, self, query) {
  const items = matching(values, self, query);
  return items.length ? [{ label: "", items }] : [];
}

function matching(values, self, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return values.map(asItem[self.thing]).filter((item) => words.every((word) => item.text.toLowerCase().includes(word)));
}

function channelIds(kind) {
  return state.snap.channels.filter((one) => one.kind === kind).map((one) => one.id);
}

function conversationIds(filter) {
  const include = filter?.include ?? ["public", "private", "im", "mpim"];
  const channels = include.includes("public") || include.includes("private") ? channelIds("channel") : [];
  return include.includes("im") && !filter?.exclude_bot_users ? [...channels, ...channelIds("dm")] : channels;
}

function list(self) {
  const shown = groups(self);
  const items = shown.flatMap((group) => group.items);
  const active = Math.min(state.open.active < 0 ? startAt(self, items) : state.open.active, items.length - 1);
  const box = `${self.anchor}-list`;
  return h("div", { key: "pop", class: "popover picker", ...floating(self.anchor, (el) => el.querySelector("input").focus()) },
    h("input", {
      type: "text",
      class: "search",
      role: "combobox",
      "aria-label": "Search the choices",
      "aria-expanded": "true",
      "aria-controls": box,
      "aria-activedescendant": items[active] ? `${box}-${active}` : null,
      autocomplete: "off",
      placeholder: "Search",
      value: state.open.query,
      oninput: (event) => changeQuery(self, event.target.value),
      onkeydown: (event) => pickerKeys(event, self, items, active),
    }),
    h("div", { class: "options", role: "listbox", id: box, "aria-multiselectable": self.multi ? "true" : null },
      shown.map((group) => [
        group.label && h("div", { key: `g/${group.label}`, class: "group", role: "presentation" }, group.label),
        group.items.map((item) => optionRow(self, item, items.indexOf(item), active, box)),
      ])),
    items.length === 0 && h("p", { class: "none", role: "status" }, emptyText(self)));
}

function startAt(self, items) {
  const at = items.findIndex((item) => item.id === self.chosen[0]?.id);
  return at < 0 || self.multi ? 0 : at;
}

function emptyText(self) {
  const { query, loading, found } = state.open;
  if (loading) return "Looking…";
  if (found?.failed) return "The app did not answer in time.";
  if (self.one.type.endsWith("external_select") && query.length < least(self.one)) return `Type at least ${least(self.one)} letters.`;
  return "Nothing matches.";
}

function changeQuery(self, query) {
  if (self.one.type.endsWith("external_select")) search(self, query);
  else change({ open: { ...state.open, query, active: 0 } });
}

function optionRow(self, item, at, active, box) {
  const on = self.chosen.some((each) => each.id === item.id);
  return h("div", {
    key: `o/${item.id}`,
    id: `${box}-${at}`,
    class: cls("option", at === active && "active"),
    role: "option",
    "aria-selected": String(on),
    onclick: () => pick(self, item),
    onpointermove: () => at !== active && change({ open: { ...state.open, active: at } }),
  }, h("span", { class: "tick", "aria-hidden": "true" }, on ? "✓" : ""),
  h("span", null, item.text, item.more && h("span", { class: "choice-more" }, item.more)));
}

function pick(self, item) {
  const { one, where, use, multi, chosen } = self;
  if (!multi) {
    closeOpen();
    use(one, where, item.value);
    return;
  }
  const rest = chosen.filter((each) => each.id !== item.id);
  const most = one.max_selected_items ?? Infinity;
  const next = rest.length < chosen.length ? rest : [...chosen, item].slice(0, most);
  use(one, where, next.map((each) => each.value));
}

function pickerKeys(event, self, items, active) {
  const moves = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + 8, PageUp: active - 8 };
  if (event.key in moves) {
    event.preventDefault();
    const to = Math.max(0, Math.min(items.length - 1, moves[event.key]));
    change({ open: { ...state.open, active: to } });
    document.getElementById(`${self.anchor}-list-${to}`)?.scrollIntoView({ block: "nearest" });
  } else if (event.key === "Enter") {
    event.preventDefault();
    event.stopPropagation();
    if (items[active]) pick(self, items[active]);
  } else if (event.key === "Tab") {
    closeOpen(true);
  }
}

/** Draws an overflow menu. */
export function overflow(one, where, use) {
  const key = keyOf(where, one.action_id);
  const anchor = domId(where.id, one.action_id);
  const open = state.open?.key === key;
  const run = (option) => {
    closeOpen();
    const href = option.url && safeUrl(option.url);
    if (href) window.open(href, "_blank", "noopener,noreferrer");
    use(one, where, option);
  };
  const items = one.options.map((option) => ({ id: option.value ?? plainText(option.text), nodes: textObject(option.text), run: () => run(option) }));
  return menuButton({ key, anchor, open, items, label: one.accessibility_label ?? "More actions", text: "⋯", action: one.action_id });
}

/** A button that opens a menu; `items` are {id, nodes, run}. */
export function menuButton({ key, anchor, open, items, label, text, note = "", action = null, style = "button square" }) {
  const show = () => change({ open: { key, anchor, active: 0 } });
  return h("div", { key: `menu/${key}`, class: "menu-holder" },
    h("button", {
      type: "button",
      id: anchor,
      class: style,
      "aria-haspopup": "menu",
      "aria-expanded": String(open),
      "aria-label": label,
      "data-action": action,
      "data-opens": key,
      onclick: () => (open ? closeOpen() : show()),
      onkeydown: (event) => {
        if (event.key === "ArrowDown" && !open) {
          event.preventDefault();
          show();
        }
      },
    }, text),
    open && h("div", { key: "pop", class: "popover menu", role: "menu", "aria-label": label, ...floating(anchor, (el) => el.querySelector("[role^=menuitem]")?.focus()) },
      note && h("p", { key: "note", class: "menu-note", role: "presentation" }, note),
      items.map((item) => h("button", {
        key: item.id, type: "button", role: "menuitem", onclick: item.run, onkeydown: menuKeys,
      }, item.nodes))));
}

function menuKeys(event) {
  const all = [...event.target.closest("[role=menu]").querySelectorAll("[role^=menuitem]")];
  const at = all.indexOf(event.target);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    all.at(to % all.length).focus();
  } else if (event.key === "Tab") {
    closeOpen();
  }
}
