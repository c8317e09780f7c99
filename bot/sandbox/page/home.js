// The app's Home tab.

import { h } from "./dom.js";
import { blocks } from "./blocks.js";
import { state } from "./store.js";

export function homeView() {
  const view = state.snap.home;
  if (!view) return h("div", { key: "home", class: "home" }, h("div", { class: "blank", role: "status" }, h("p", null, "The app is preparing its Home tab…")));
  const place = {
    container: { type: "home" },
    scope: `h:${state.user}`,
    user: state.user,
    state: view.state?.values ?? {},
    errors: {},
  };
  return h("div", { key: "home", class: "home", role: "tabpanel", "aria-label": "Home", tabIndex: 0 }, h("div", { class: "home-body" }, blocks(view.blocks, place)));
}
