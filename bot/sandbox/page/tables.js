// The `table` and `data_table` blocks.

import { h } from "./dom.js";
import { richText } from "./richtext.js";
import { textObject } from "./mrkdwn.js";
import { change, state } from "./store.js";

function cell(one, settings, head) {
  const align = settings?.align ?? "left";
  const text = one.type === "rich_text" ? richText(one.elements) : one.type === "mrkdwn" ? textObject(one) : String(one.text ?? one.value ?? "");
  return h(head ? "th" : "td", { class: `${align} ${settings?.is_wrapped ? "wrapped" : ""}`, scope: head ? "col" : null }, text);
}

/** A `table` block: its first row is the head. */
export function rawTable(block) {
  return scrolled(block.rows, block.column_settings ?? [], null);
}

function scrolled(rows, settings, caption) {
  const [head, ...body] = rows.map((row) => (Array.isArray(row) ? row : row.cells));
  return h("div", { class: "scrolled", tabIndex: 0, role: "group", "aria-label": caption ?? "Table" },
    h("table", { class: "grid" },
      caption && h("caption", null, caption),
      h("thead", null, h("tr", null, head.map((one, at) => cell(one, settings[at], true)))),
      h("tbody", null, body.map((row) => h("tr", null, row.map((one, at) => cell(one, settings[at], false)))))));
}

/** A `data_table` block, a page at a time. */
export function dataTable(block, where) {
  const key = `${where.scope}|${where.block}`;
  const size = block.page_size ?? 5;
  const [head, ...body] = block.rows;
  const pages = Math.max(1, Math.ceil(body.length / size));
  const page = Math.min(state.pages.get(key) ?? 1, pages);
  const turn = (by) => () => change({ pages: new Map(state.pages).set(key, page + by) });
  return [
    scrolled([head, ...body.slice((page - 1) * size, page * size)], block.column_settings ?? [], block.caption),
    pages > 1 && h("div", { class: "pages" },
      h("button", { class: "quiet", disabled: page === 1, onclick: turn(-1) }, "‹ Previous"),
      h("span", null, `${page} of ${pages}`),
      h("button", { class: "quiet", disabled: page === pages, onclick: turn(1) }, "Next ›")),
  ];
}
