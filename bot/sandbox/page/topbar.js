// The top: who you are, what time it is for the bot, and the way to the side panel.

import { h, cls } from "./dom.js";
import { longTime, shortMoment } from "./dates.js";
import { avatar, persons } from "./people.js";
import { menuButton } from "./picker.js";
import { actNow, becomeUser } from "./server.js";
import { closeOpen } from "./popover.js";
import { change, remember, state, toast } from "./store.js";

const SKIPS = [["1 hour", 3600], ["1 day", 86_400], ["30 days", 30 * 86_400]];

export function topbar() {
  return h("header", { key: "top", class: "top" },
    h("button", { key: "menu", class: "icon-button only-narrow", "aria-label": "Channels", "aria-expanded": String(state.rail), onclick: () => change({ rail: !state.rail, panel: false }) }, "☰"),
    h("div", { class: "brand" }, h("img", { src: "/page/icon.svg", alt: "" }), h("span", { class: "brand-name" }, "Registrar"), h("span", { class: "brand-kind" }, state.snap.live ? "sandbox · live" : "sandbox")),
    people(),
    clock(),
    panelButton());
}

function people() {
  return h("div", { key: "people", class: "people", role: "radiogroup", "aria-label": "You are" },
    persons().map((user) => {
      const on = user.id === state.user;
      return h("button", {
        key: user.id,
        class: cls("person", on && "on"),
        role: "radio",
        "aria-checked": String(on),
        "aria-label": `${user.real_name || user.name}, ${user.role}`,
        title: `Act as ${user.real_name || user.name} (${user.role})`,
        tabIndex: on ? 0 : -1,
        onclick: () => becomeUser(user.id),
        onkeydown: arrows,
      }, avatar(user, "small"), h("span", { class: "person-name" }, h("span", { class: "person-who" }, user.real_name || user.name), h("small", null, user.role)));
    }));
}

function arrows(event) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const all = [...event.currentTarget.parentElement.children];
  const next = all.at((all.indexOf(event.currentTarget) + step) % all.length);
  next.focus();
  next.click();
}

function clock() {
  const now = new Date(state.snap.now);
  const key = "skip-time";
  const open = state.open?.key === key;
  const items = SKIPS.map(([name, seconds]) => ({ id: name, nodes: `Skip ${name}`, run: () => skip(name, seconds) }));
  return h("div", { key: "clock", class: "clock" },
    h("time", { datetime: now.toISOString(), title: `The bot's clock: ${longTime(now)}` }, h("span", { "aria-hidden": "true" }, "🕘 "), shortMoment(now)),
    state.skipping && h("span", { key: "skipping", class: "skipping", role: "status" }, `Skipping ${state.skipping} …`),
    state.snap.can_skip && !state.skipping && menuButton({ key, anchor: "skip-button", open, items, label: "Skip time", note: `The bot’s clock: ${shortMoment(now)}`, text: ["Skip", h("span", { class: "chevron", "aria-hidden": "true" })], style: "button small" }));
}

/** Moves the bot's clock on; on the way it does what falls due, so this takes some seconds. */
export async function skip(name, seconds) {
  if (state.skipping) return;
  closeOpen();
  change({ skipping: name });
  const answer = await actNow({ do: "skip", seconds });
  change({ skipping: "" });
  if (answer.ok) toast(`The bot's clock went on by ${name}.`);
}

function panelButton() {
  const refused = state.snap.problems.length;
  return h("button", {
    key: "panel",
    class: cls("button small panel-button", state.panel && "on", refused > 0 && "alarm"),
    "aria-expanded": String(state.panel),
    "aria-controls": "panel",
    "aria-description": refused > 0 ? `${refused} refused by Slack` : null,
    onclick: () => {
      remember("panel", !state.panel);
      change({ panel: !state.panel, rail: false });
    },
  }, state.snap.practice ? h("span", null, "Practice", h("span", { class: "panel-more" }, " registries")) : "Side panel", refused > 0 && h("span", { class: "count", "aria-hidden": "true" }, refused));
}
