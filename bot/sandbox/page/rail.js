// The left rail: the workspace, its channels, and the app.

import { h, cls } from "./dom.js";
import { appAvatar } from "./people.js";
import { goTo } from "./server.js";
import { state } from "./store.js";

export function rail() {
  const channels = state.snap.channels.filter((one) => one.kind === "channel");
  const dms = state.snap.channels.filter((one) => one.kind === "dm");
  return h("nav", { key: "rail", class: cls("rail", state.rail && "open"), "aria-label": "Channels and apps" },
    h("div", { class: "team" }, h("span", { class: "team-mark", "aria-hidden": "true" }, state.snap.team.name[0]), h("strong", null, state.snap.team.name)),
    h("h2", null, "Channels"),
    h("ul", null, channels.map((one) => item(one, h("span", { class: "hash", "aria-hidden": "true" }, "#"), one.name))),
    h("h2", null, "Apps"),
    h("ul", null, dms.map((one) => item(one, appAvatar("small"), state.snap.app.name))),
    h("p", { class: "rail-note" }, "A local Slack on this machine. Nothing you do here leaves it."));
}

function item(channel, mark, name) {
  const here = channel.id === state.channel;
  return h("li", { key: channel.id },
    h("button", {
      class: cls("place", here && "here", channel.unread > 0 && "unread"),
      "aria-current": here ? "page" : null,
      "aria-description": channel.unread > 0 ? `${channel.unread} unread` : null,
      onclick: () => goTo(channel.id, channel.kind === "dm" && here ? state.tab : "messages"),
    }, mark, h("span", { class: "place-name" }, name),
    channel.unread > 0 && h("span", { class: "count", "aria-hidden": "true" }, channel.unread)));
}
