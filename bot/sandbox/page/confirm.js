// Confirm dialogs: asked before an element is used.

import { h, cls } from "./dom.js";
import { plainText, textObject } from "./mrkdwn.js";
import { change, state } from "./store.js";

/** Asks; answers whether the person said yes. */
export function ask(confirm) {
  const before = document.activeElement;
  return new Promise((resolve) => {
    const answer = (yes) => {
      change({ confirm: null });
      resolve(yes);
      setTimeout(() => before?.isConnected && document.activeElement === document.body && before.focus());
    };
    change({ confirm: { confirm, answer }, open: null });
  });
}

/** The open confirm dialog, if there is one. */
export function confirmDialog() {
  if (!state.confirm) return null;
  const { confirm, answer } = state.confirm;
  return h("div", { key: "confirm", class: "veil deep" },
    h("div", { class: "confirm", role: "alertdialog", "aria-modal": "true", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" },
      h("h2", { id: "confirm-title" }, plainText(confirm.title)),
      h("div", { id: "confirm-text", class: "text" }, textObject(confirm.text)),
      h("div", { class: "foot" },
        h("button", { class: "button", onclick: () => answer(false) }, plainText(confirm.deny)),
        h("button", {
          class: cls("button", confirm.style === "danger" ? "danger solid" : "primary"),
          onclick: () => answer(true),
          mount: (el) => el.focus(),
        }, plainText(confirm.confirm)))));
}
