// Every interactive element, and what happens when a person uses it.

import { h, cls } from "./dom.js";
import { choose, flush, keyOf, takeBack, type, valueOf } from "./held.js";
import { plainText, textObject } from "./mrkdwn.js";
import { ask } from "./confirm.js";
import { safeUrl } from "./people.js";
import { overflow, picker } from "./picker.js";
import { change, state } from "./store.js";

/** Draws one interactive element of the block at `where`. */
export function element(one, where) {
  const draw = DRAWN[one.type];
  if (!draw) return h("p", { class: "unknown", role: "note" }, `This page cannot draw an element of type “${one.type}”.`);
  return draw(one, where);
}

const DRAWN = {
  button,
  overflow: (one, where) => overflow(one, where, use),
  static_select: (one, where) => picker(one, where, use),
  external_select: (one, where) => picker(one, where, use),
  users_select: (one, where) => picker(one, where, use),
  channels_select: (one, where) => picker(one, where, use),
  conversations_select: (one, where) => picker(one, where, use),
  multi_static_select: (one, where) => picker(one, where, use),
  multi_external_select: (one, where) => picker(one, where, use),
  multi_users_select: (one, where) => picker(one, where, use),
  multi_channels_select: (one, where) => picker(one, where, use),
  multi_conversations_select: (one, where) => picker(one, where, use),
  radio_buttons: (one, where) => choices(one, where, "radio"),
  checkboxes: (one, where) => choices(one, where, "checkbox"),
  datepicker: (one, where) => moment(one, where, "date", "selected_date", one.initial_date),
  timepicker: (one, where) => moment(one, where, "time", "selected_time", one.initial_time),
  datetimepicker,
  plain_text_input: (one, where) => textInput(one, where, "text"),
  url_text_input: (one, where) => textInput(one, where, "url"),
  email_text_input: (one, where) => textInput(one, where, "email"),
  number_input: (one, where) => textInput(one, where, one.is_decimal_allowed ? "decimal" : "numeric"),
  icon_button: button,
  workflow_button: button,
};

// These are pressed, and keep no value.
const PRESSED = new Set(["button", "icon_button", "workflow_button", "overflow"]);

/** Gives the element a value as a person would, asking first when it says so. */
export async function use(one, where, value, extra = {}) {
  if (one.confirm && !(await ask(one.confirm))) {
    takeBack(where, one.action_id);
    return;
  }
  const key = keyOf(where, one.action_id);
  change({ pending: new Set(state.pending).add(key) });
  await choose(where, one.action_id, value, { confirmed: Boolean(one.confirm), ...extra });
  const pending = new Set(state.pending);
  pending.delete(key);
  change({ pending });
  if (PRESSED.has(one.type)) takeBack(where, one.action_id);
}

/** What the server says is chosen: Slack's state value, or nothing. */
export function stateOf(one, where) {
  return where.values[one.action_id];
}

function button(one, where) {
  const busy = state.pending.has(keyOf(where, one.action_id));
  const name = one.type === "icon_button" ? (one.text ? plainText(one.text) : one.icon) : null;
  const press = async (event) => {
    event.preventDefault();
    if (busy) return;
    const href = one.url && safeUrl(one.url);
    if (href) window.open(href, "_blank", "noopener,noreferrer");
    await use(one, where, null);
  };
  return h("button", {
    key: `b/${one.action_id}`,
    type: "button",
    class: cls("button", one.style),
    "aria-label": one.accessibility_label ?? name,
    "aria-busy": busy ? "true" : null,
    "data-action": one.action_id,
    title: one.url ?? null,
    onclick: press,
  }, name ?? textObject(one.text), one.url && h("span", { "aria-hidden": "true" }, " ↗"));
}

function choices(one, where, kind) {
  const saved = stateOf(one, where);
  const fallback = kind === "radio"
    ? (saved ? saved.selected_option : one.initial_option)
    : (saved ? saved.selected_options : one.initial_options) ?? [];
  const current = valueOf(keyOf(where, one.action_id), fallback);
  const on = (option) => (kind === "radio" ? current?.value === option.value : current.some((each) => each.value === option.value));
  const pick = (option) => () => {
    if (kind === "radio") return use(one, where, option);
    const rest = current.filter((each) => each.value !== option.value);
    return use(one, where, on(option) ? rest : [...rest, option]);
  };
  return h("div", {
    key: `c/${one.action_id}`,
    class: "choices",
    role: kind === "radio" ? "radiogroup" : "group",
    "aria-labelledby": where.label ?? null,
    "aria-label": where.label ? null : where.labelText,
    "aria-describedby": where.notes,
    "data-action": one.action_id,
  }, one.options.map((option) => h("label", { key: option.value, class: "choice" },
    h("input", {
      type: kind,
      name: `${where.id}-${one.action_id}`,
      checked: on(option),
      onchange: pick(option),
      mount: one.focus_on_load && option === one.options[0] ? (el) => el.setAttribute("data-focus", "") : null,
    }),
    h("span", null, h("span", { class: "choice-name" }, textObject(option.text)),
      option.description && h("span", { class: "choice-more" }, textObject(option.description))))));
}

function fieldProps(one, where) {
  return {
    id: where.control ?? `${where.id}-${one.action_id}`.replace(/[^\w-]/g, "_"),
    "data-action": one.action_id,
    "data-focus": one.focus_on_load ?? null,
    "aria-label": where.label ? null : where.labelText || plainText(one.placeholder) || one.action_id,
    "aria-describedby": where.notes,
    "aria-invalid": where.invalid ? "true" : null,
    "aria-required": where.input && !where.optional ? "true" : null,
  };
}

function moment(one, where, kind, name, initial) {
  const saved = stateOf(one, where);
  const value = valueOf(keyOf(where, one.action_id), (saved ? saved[name] : initial) ?? "") ?? "";
  return h("input", {
    key: `m/${one.action_id}`,
    ...fieldProps(one, where),
    class: "field-input narrow",
    type: kind,
    value,
    title: plainText(one.placeholder) || null,
    onchange: (event) => use(one, where, event.target.value || null),
  });
}

function datetimepicker(one, where) {
  const saved = stateOf(one, where);
  const seconds = valueOf(keyOf(where, one.action_id), saved ? saved.selected_date_time : one.initial_date_time);
  const local = seconds ? new Date(seconds * 1000 - new Date(seconds * 1000).getTimezoneOffset() * 60_000) : null;
  return h("input", {
    key: `m/${one.action_id}`,
    ...fieldProps(one, where),
    class: "field-input narrow",
    type: "datetime-local",
    value: local ? local.toISOString().slice(0, 16) : "",
    onchange: (event) => use(one, where, event.target.value ? Math.floor(new Date(event.target.value) / 1000) : null),
  });
}

function actsOnEnter(one, where) {
  const on = one.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  return where.dispatches && on.includes("on_enter_pressed");
}

function textInput(one, where, mode) {
  const saved = stateOf(one, where);
  const value = valueOf(keyOf(where, one.action_id), (saved ? saved.value : one.initial_value) ?? "") ?? "";
  const onEnter = actsOnEnter(one, where);
  const props = {
    key: `t/${one.action_id}`,
    ...fieldProps(one, where),
    class: "field-input",
    value,
    placeholder: plainText(one.placeholder) || null,
    autocomplete: "off",
    spellcheck: "false",
    maxlength: one.type === "plain_text_input" ? one.max_length ?? 3000 : null,
    oninput: (event) => type(where, one.action_id, event.target.value),
    onchange: () => flush(),
    onkeydown: (event) => {
      if (event.key !== "Enter" || event.isComposing || one.multiline || !onEnter) return;
      event.preventDefault();
      event.stopPropagation();
      use(one, where, event.target.value, { event: "enter" });
    },
  };
  const field = one.multiline
    ? h("textarea", { ...props, rows: 4 })
    : h("input", { ...props, type: "text", inputmode: mode === "text" ? null : mode });
  return h("div", { key: `w/${one.action_id}`, class: "field-wrap" }, field, counter(one, value));
}

function counter(one, value) {
  const length = [...value].length;
  const { min_length: min = 0, max_length: max = 3000 } = one;
  if (one.type === "number_input") return range(one);
  if (length > 0 && length < min) return h("span", { class: "counter" }, `${length} of at least ${min}`);
  // What the form came with fits; only typing on is stopped.
  if (length >= max && value !== one.initial_value) return h("span", { class: "counter over", role: "status" }, `No more than ${max} characters fit`);
  if (length >= max * 0.75 && length < max) return h("span", { class: "counter" }, `${max - length} left`);
  return null;
}

function range(one) {
  const { min_value: min, max_value: max } = one;
  if (min === undefined && max === undefined) return null;
  const text = min === undefined ? `at most ${max}` : max === undefined ? `at least ${min}` : `${min} to ${max}`;
  return h("span", { class: "counter" }, text);
}
