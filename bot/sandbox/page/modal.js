// Modals: a stack of which the top is shown; and the keyboard's way through them.

import { h, cls } from "./dom.js";
import { blocks, domId } from "./blocks.js";
import { settle, valuesOf } from "./held.js";
import { plainText } from "./mrkdwn.js";
import { act } from "./server.js";
import { change, state } from "./store.js";

const FOCUSABLE = "a[href],button:not(:disabled),input:not(:disabled),textarea,select,[tabindex='0'],summary";
let shown = ""; // the view that had the focus last
let errorsSeen = "";

export function scopeOf(view) {
  return `v:${view.id}`;
}

export function topView() {
  return state.snap?.views.at(-1) ?? null;
}

/** Where the blocks of a view stand. */
export function placeOf(view) {
  return {
    container: { type: "view", view_id: view.id },
    scope: scopeOf(view),
    user: state.user,
    state: view.state?.values ?? {},
    errors: view.errors ?? {},
  };
}

export function closeView(view, all = false) {
  change({ open: null });
  return act({ do: "close", view_id: view.id, all });
}

export async function submitView(view) {
  const key = `submit|${view.id}`;
  if (state.pending.has(key) || view.busy) return;
  change({ pending: new Set(state.pending).add(key), open: null });
  errorsSeen = "";
  await act({ do: "submit", view_id: view.id, values: valuesOf(scopeOf(view), view.blocks) });
  settle(scopeOf(view));
  const pending = new Set(state.pending);
  pending.delete(key);
  change({ pending });
}

/** The modal on top of the stack, or nothing. */
export function modal() {
  const view = topView();
  if (!view || view.type === "home") return null;
  const title = domId("title", view.id);
  const busy = view.busy || state.pending.has(`submit|${view.id}`);
  const asks = view.blocks.some((block) => block.type === "input");
  return h("div", { key: "veil", class: "veil" },
    h("div", {
      key: view.id,
      class: "modal",
      role: "dialog",
      "aria-labelledby": title,
      "aria-busy": busy ? "true" : null,
      "data-view": view.callback_id ?? "",
      tabIndex: -1,
      onkeydown: (event) => modalKeys(event, view),
    },
    head(view, title),
    h("div", { class: "modal-body", "aria-live": asks ? "off" : "polite" },
      view.trouble && h("p", { key: "trouble", class: "notice error trouble", role: "alert" }, h("span", { "aria-hidden": "true" }, "⚠"), view.trouble),
      blocks(view.blocks, placeOf(view))),
    foot(view, busy)));
}

function head(view, title) {
  const depth = state.snap.views.length;
  return h("header", { class: "modal-head" },
    depth > 1 && h("button", { key: "back", class: "icon-button", "aria-label": "Back", onclick: () => closeView(view) }, "←"),
    h("img", { class: "avatar app small", src: "/page/icon.svg", alt: "" }),
    h("h2", { id: title }, plainText(view.title)),
    depth > 1 && h("span", { key: "depth", class: "soft" }, `${depth} deep`),
    h("button", { key: "x", class: "icon-button", "aria-label": "Close", title: "Close (Escape)", onclick: () => closeView(view, true) }, "×"));
}

function foot(view, busy) {
  return h("footer", { class: "modal-foot" },
    h("button", { key: "close", type: "button", class: "button", onclick: () => closeView(view) }, plainText(view.close) || "Cancel"),
    view.submit && h("button", {
      key: "submit",
      type: "button",
      class: cls("button", "primary", busy && "working"),
      disabled: Boolean(view.submit_disabled),
      "aria-busy": busy ? "true" : null,
      onclick: () => submitView(view),
    }, plainText(view.submit)));
}

// Enter sends the form from a one-line field; Ctrl or Cmd with Enter from anywhere in it.
function modalKeys(event, view) {
  if (event.key === "Tab") trap(event);
  if (event.key !== "Enter" || event.isComposing || !view.submit) return;
  const oneLine = event.target instanceof HTMLInputElement && !["checkbox", "radio"].includes(event.target.type);
  if (!event.ctrlKey && !event.metaKey && !(oneLine && !event.target.closest(".popover"))) return;
  event.preventDefault();
  submitView(view);
}

/** Keeps Tab inside the element that holds the focus. */
export function trap(event, box = event.currentTarget) {
  const stops = [...box.querySelectorAll(FOCUSABLE)].filter((el) => el.offsetParent !== null || el.getClientRects().length);
  if (!stops.length) return;
  const [first, last] = [stops[0], stops.at(-1)];
  const active = document.activeElement;
  if (event.shiftKey && (active === first || active === box)) {
    event.preventDefault();
    last.focus();
  } else if (!event.shiftKey && active === last) {
    event.preventDefault();
    first.focus();
  }
}

/** Moves the focus when a modal opens, changes or goes; called after every redraw. */
export function followFocus() {
  const view = topView();
  const id = view?.id ?? "";
  const dialog = document.querySelector(".modal");
  if (id !== shown) {
    shown = id;
    if (dialog) (dialog.querySelector("[data-focus]") ?? firstField(dialog) ?? dialog).focus();
    else document.querySelector(".composer textarea")?.focus({ preventScroll: true });
  } else if (dialog && document.activeElement === document.body) {
    (dialog.querySelector("[data-focus]") ?? dialog).focus({ preventScroll: true });
  }
  followErrors(dialog, view);
}

function firstField(dialog) {
  return dialog.querySelector(".modal-body :is(input,textarea,[role=combobox])") ?? dialog.querySelector(".modal-foot .primary");
}

function followErrors(dialog, view) {
  const errors = JSON.stringify(view?.errors ?? {});
  if (errors === errorsSeen) return;
  errorsSeen = errors;
  dialog?.querySelector("[aria-invalid=true]")?.focus();
}
