// Menus and pickers float above everything and stay beside the button that opened them.

import { change, state } from "./store.js";

const GAP = 4;
const EDGE = 8;
const live = new Map(); // floating element → its anchor's id

function place(el, anchorId) {
  const anchor = document.getElementById(anchorId);
  if (!anchor) return;
  const box = anchor.getBoundingClientRect();
  const below = window.innerHeight - box.bottom - GAP - EDGE;
  const above = box.top - GAP - EDGE;
  const up = below < Math.min(el.scrollHeight, 260) && above > below;
  const width = Math.min(Math.max(box.width, el.classList.contains("menu") ? 180 : 260), window.innerWidth - 2 * EDGE);
  const wanted = el.classList.contains("menu") ? box.right - width : box.left;
  el.style.width = `${width}px`;
  el.style.left = `${Math.max(EDGE, Math.min(wanted, window.innerWidth - width - EDGE))}px`;
  el.style.maxHeight = `${Math.max(140, Math.min(up ? above : below, 380))}px`;
  el.style.top = up ? "auto" : `${box.bottom + GAP}px`;
  el.style.bottom = up ? `${window.innerHeight - box.top + GAP}px` : "auto";
}

/** Hooks for an element that floats beside the element with `anchorId`. */
export function floating(anchorId, mounted = () => undefined) {
  return {
    mount: (el) => {
      live.set(el, anchorId);
      place(el, anchorId);
      mounted(el);
    },
    update: (el) => place(el, anchorId),
    unmount: (el) => live.delete(el),
  };
}

/** Closes the open menu or picker; `refocus` puts the focus back on its button. */
export function closeOpen(refocus = true) {
  const open = state.open;
  if (!open) return;
  change({ open: null });
  if (refocus) document.getElementById(open.anchor)?.focus();
}

/** Watches for clicks elsewhere, scrolling and resizing. */
export function watchPopovers() {
  const replace = () => live.forEach((anchorId, el) => place(el, anchorId));
  window.addEventListener("resize", replace);
  document.addEventListener("scroll", replace, true);
  document.addEventListener("pointerdown", (event) => {
    if (!state.open) return;
    const inside = event.target.closest(".popover")
      || event.target.closest("[data-opens]")?.dataset.opens === state.open.key;
    if (!inside) closeOpen(false);
  }, true);
}
