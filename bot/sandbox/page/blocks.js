// Every block of Block Kit that an app may send, drawn as nodes.

import { h } from "./dom.js";
import { element } from "./elements.js";
import { markdown } from "./markdown.js";
import { plainText, textObject } from "./mrkdwn.js";
import { pictureUrl } from "./people.js";
import { richText } from "./richtext.js";
import { rawTable, dataTable } from "./tables.js";

const ALERT_ICONS = { default: "ℹ️", info: "ℹ️", warning: "⚠️", error: "⛔", success: "✅" };

/**
 * Draws blocks. `place` says where they stand: {container, scope, user, state, errors}; `state` is
 * Slack's view state ({block: {action: value}}), `errors` has one sentence per block.
 */
export function blocks(list, place) {
  return list.map((block, at) => one(block, place, at));
}

function one(block, place, at) {
  const where = {
    ...place,
    block: block.block_id ?? `block-${at}`,
    values: place.state?.[block.block_id] ?? {},
    id: domId(place.scope, block.block_id ?? at),
  };
  const draw = DRAWN[block.type] ?? unknown;
  const key = `${block.type}/${where.block}`;
  return h("div", { key, class: `block ${block.type.replaceAll("_", "-")}`, "data-block": where.block }, draw(block, where));
}

/** An id for the document, unique per place and block. */
export function domId(...parts) {
  return parts.join("-").replace(/[^\w-]/g, "_");
}

const DRAWN = {
  header: (block) => h("h3", null, textObject(block.text)),
  divider: () => h("hr"),
  section,
  context: (block) => block.elements.map(contextElement),
  actions: (block, where) => block.elements.map((one) => element(one, where)),
  context_actions: (block, where) => block.elements.map((one) => element(one, where)),
  input,
  image: (block) => picture(block, plainText(block.title)),
  rich_text: (block) => richText(block.elements),
  markdown: (block) => markdown(block.text),
  table: (block) => rawTable(block),
  data_table: (block, where) => dataTable(block, where),
  alert,
  card,
  carousel: (block, where) => h("div", { class: "cards" }, (block.elements ?? []).map((each) => card(each, where))),
  container,
};

function unknown(block) {
  return h("p", { class: "unknown", role: "note" }, `This page cannot draw a block of type “${block.type}”.`);
}

function section(block, where) {
  const fields = block.fields?.map((field) => h("div", { class: "field" }, textObject(field)));
  return [
    h("div", { class: "words" },
      block.text && h("div", { class: "text" }, textObject(block.text)),
      fields && h("div", { class: "fields" }, fields)),
    block.accessory && h("div", { class: "accessory" }, accessory(block.accessory, { ...where, labelText: plainText(block.text) })),
  ];
}

function accessory(one, where) {
  return one.type === "image" ? h("img", { src: pictureUrl(one.image_url), alt: one.alt_text }) : element(one, where);
}

function contextElement(one) {
  if (one.type === "image") return h("img", { src: pictureUrl(one.image_url), alt: one.alt_text });
  return h("span", null, textObject(one));
}

function input(block, where) {
  const error = where.errors?.[block.block_id];
  const label = `${where.id}-label`;
  const notes = cleanIds(block.hint && `${where.id}-hint`, error && `${where.id}-error`);
  const inner = {
    ...where,
    label,
    notes,
    invalid: Boolean(error),
    input: true,
    optional: Boolean(block.optional),
    dispatches: Boolean(block.dispatch_action),
    control: `${where.id}-control`,
  };
  const grouped = ["checkboxes", "radio_buttons"].includes(block.element.type);
  return [
    h("div", { class: "label" },
      h(grouped ? "span" : "label", { id: label, for: grouped ? null : inner.control }, textObject(block.label)),
      block.optional && h("span", { class: "optional" }, " (optional)")),
    element(block.element, inner),
    error && h("p", { id: `${where.id}-error`, class: "error", role: "alert" }, h("span", { "aria-hidden": "true" }, "⚠ "), error),
    block.hint && h("p", { id: `${where.id}-hint`, class: "hint" }, textObject(block.hint)),
  ];
}

function cleanIds(...ids) {
  return ids.filter(Boolean).join(" ") || null;
}

function picture(block, title) {
  const url = block.image_url ?? block.slack_file?.url ?? (block.slack_file?.id ? `/files/${block.slack_file.id}` : "");
  return h("figure", null,
    title && h("figcaption", null, title),
    h("img", { src: pictureUrl(url), alt: block.alt_text ?? "" }));
}

function alert(block) {
  const level = block.level ?? "default";
  return h("div", { class: `notice ${level}`, role: "note" },
    h("span", { class: "icon", "aria-hidden": "true" }, ALERT_ICONS[level] ?? "ℹ️"),
    h("div", null, textObject(block.text)));
}

function card(block, where) {
  return h("article", { class: "card" },
    block.hero_image && h("img", { class: "hero", src: pictureUrl(block.hero_image.image_url), alt: block.hero_image.alt_text }),
    h("div", { class: "card-head" },
      block.icon && h("img", { src: pictureUrl(block.icon.image_url), alt: block.icon.alt_text }),
      h("div", null,
        block.title && h("strong", null, textObject(block.title)),
        block.subtitle && h("div", { class: "soft" }, textObject(block.subtitle)))),
    block.body && h("div", { class: "text" }, textObject(block.body)),
    block.actions && h("div", { class: "actions" }, block.actions.map((one) => element(one, where))));
}

function container(block, where) {
  const inner = blocks(block.child_blocks ?? block.blocks ?? [], where);
  const title = textObject(block.title);
  if (!block.is_collapsible && !block.collapsible) return h("section", { class: "boxed" }, h("h4", null, title), inner);
  return h("details", { class: "boxed", open: !(block.default_collapsed ?? block.is_collapsed) }, h("summary", null, title), inner);
}
