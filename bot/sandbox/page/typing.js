// Typing a command for somebody: into the main writing box, where they see it and press Enter.

import { write } from "./composer.js";
import { actNow, goTo } from "./server.js";
import { change, state } from "./store.js";

/** Closes the dialogs, which would cover it. */
export function closeViews() {
  const view = state.snap.views.at(-1);
  if (view) actNow({ do: "close", view_id: view.id, all: true });
}

/** Puts a command where messages are written; the panel gives way on a small screen. */
export function typeCommand(text) {
  closeViews();
  if (state.panel && window.innerWidth <= 900) change({ panel: false });
  if (state.tab === "home") goTo(state.channel, "messages");
  write(`${state.user}/${state.channel}`, text);
}
