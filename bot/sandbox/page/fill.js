// Fills the open form with a practice registry's credentials, as if each were pasted.

import { choose, flush, type } from "./held.js";
import { placeOf, topView } from "./modal.js";
import { plainText } from "./mrkdwn.js";
import { state, toast } from "./store.js";

const PATIENCE = 20; // looks for fields that come with a change of type
const PAUSE = 200; // milliseconds between them
const TYPED = new Set(["plain_text_input", "url_text_input", "email_text_input", "number_input"]);

/** Whether the open modal is a form that these credentials could go into. */
export function fillable(registry) {
  const view = topView();
  return Boolean(view) && (matches(view, registry).length > 0 || Boolean(typeOption(view, registry)));
}

/** Chooses the type when the form has one, then fills every field of the same label. */
export async function fill(registry) {
  const view = topView();
  const option = typeOption(view, registry);
  if (option && !option.chosen) {
    choose(option.where, option.action, option.value);
    await redrawn(view);
  }
  await seekSecret(view, registry);
  if (topView()?.id === view.id) write(topView(), registry);
}

// A form may ask for the secret only under another way of signing in: try the others in turn.
async function seekSecret(view, registry) {
  for (const way of waysOfSigningIn(topView())) {
    const now = topView();
    if (now?.id !== view.id || !lacksSecret(now, registry)) return;
    choose(way.where, way.action, way.value);
    await redrawn(now);
  }
}

function lacksSecret(view, registry) {
  const secrets = registry.fields.filter((field) => field.secret).map((field) => field.label);
  return secrets.length > 0 && !matches(view, registry).some((one) => secrets.includes(one.label));
}

function waysOfSigningIn(view) {
  const block = view?.blocks.find((one) => one.element?.type === "radio_buttons" && one.dispatch_action);
  if (!block) return [];
  const action = block.element.action_id;
  const saved = view.state?.values?.[block.block_id]?.[action]?.selected_option ?? block.element.initial_option;
  return block.element.options
    .filter((option) => option.value !== saved?.value)
    .map((value) => ({ where: whereOf(view, block), action, value }));
}

// The app answers a change of type with a new version of the view.
async function redrawn(view) {
  for (let tries = 0; tries < PATIENCE && topView()?.hash === view.hash; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

function write(view, registry) {
  if (!view) return;
  const found = matches(view, registry);
  for (const { block, value } of found) type(whereOf(view, block), block.element.action_id, value);
  flush();
  toast(found.length ? `Filled in: ${found.map((one) => one.label).join(", ")}.` : "This form has no field for these credentials.");
}

function whereOf(view, block) {
  return { ...placeOf(view), block: block.block_id, input: true };
}

function matches(view, registry) {
  const inputs = view.blocks.filter((block) => block.type === "input" && TYPED.has(block.element.type));
  return registry.fields.flatMap((field) => {
    const block = inputs.find((one) => same(plainText(one.label), field.label));
    return block ? [{ block, value: field.value, label: field.label }] : [];
  });
}

function same(left, right) {
  const clean = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, " ").trim();
  return clean(left) === clean(right);
}

// The select whose options include this registry's kind.
function typeOption(view, registry) {
  for (const block of view.blocks) {
    const one = block.element ?? block.accessory ?? {};
    const options = one.type === "static_select" ? one.options ?? one.option_groups?.flatMap((group) => group.options) ?? [] : [];
    const value = options.find((each) => same(plainText(each.text), registry.label) || each.value === registry.slug);
    if (!value) continue;
    const saved = view.state?.values?.[block.block_id]?.[one.action_id]?.selected_option;
    return { where: whereOf(view, block), action: one.action_id, value, chosen: (saved ?? one.initial_option)?.value === value.value };
  }
  return null;
}

/** The practice registry whose type the open form has, if it is a form and has one. */
export function chosenIn() {
  const view = topView();
  return view && state.snap.practice?.registries.find((one) => typeOption(view, one)?.chosen);
}

/** The label of the practice registry's current state. */
export function stateLabel(registry) {
  return registry.states.find((one) => one.value === registry.state)?.label ?? registry.state;
}

export function registryBySlug(slug) {
  return state.snap.practice?.registries.find((one) => one.slug === slug);
}
