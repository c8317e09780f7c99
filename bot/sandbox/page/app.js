// The sandbox page: draws the screen whenever something changes.

import { h, draw } from "./dom.js";
import { confirmDialog } from "./confirm.js";
import { flush } from "./held.js";
import { homeView } from "./home.js";
import { channelView, followPlace, watchPictures } from "./messages.js";
import { closeView, followFocus, modal, topView, trap } from "./modal.js";
import { panel } from "./panel.js";
import { appAvatar, channelById } from "./people.js";
import { closeOpen, watchPopovers } from "./popover.js";
import { rail } from "./rail.js";
import { goTo, listen, refresh } from "./server.js";
import { change, dismissToast, onChange, state } from "./store.js";
import { topbar } from "./topbar.js";
import { followTour, restartTour, tour, tourIsClosed } from "./tour.js";

const TICK = 20_000; // milliseconds after which the shown clock is fetched anew
const root = document.getElementById("root");

function redraw() {
  if (!state.snap) {
    draw(root, h("p", { class: "starting", role: "status" }, state.lost ? "The sandbox does not answer yet. Trying again…" : "Opening the sandbox…"));
    return;
  }
  document.title = titleOf();
  draw(root, h("div", { key: "app", class: "app", inert: Boolean(state.confirm) }, topbar(), lostStrip() || connectionStrip(), problemStrip(), tour(), body()), toasts(), confirmDialog());
  followPlace();
  followFocus();
  followTour();
}

function titleOf() {
  const unread = state.snap.channels.reduce((sum, one) => sum + one.unread, 0);
  return `${unread ? `(${unread}) ` : ""}Registrar sandbox`;
}

function body() {
  const covered = Boolean(topView());
  const shade = state.rail || (state.panel && window.innerWidth <= 900);
  return h("div", { key: "body", class: "body" },
    h("div", { key: "stage", class: "stage" },
      h("div", { key: "under", class: "under", inert: covered }, rail(), main()),
      modal()),
    shade && h("button", { key: "shade", class: "shade", "aria-label": "Close the drawer", tabIndex: -1, onclick: () => change({ rail: false, panel: false }) }),
    panel());
}

function main() {
  const channel = channelById(state.channel);
  const home = channel?.kind === "dm" && state.tab === "home";
  return h("main", { key: "main", class: "main" }, heading(channel), home ? homeView() : channelView());
}

function heading(channel) {
  if (channel?.kind !== "dm") {
    return h("div", { key: "head", class: "heading" }, h("h1", null, `#${channel?.name ?? ""}`), tourAgain());
  }
  const tab = (id, name) => h("button", {
    key: id, role: "tab", class: state.tab === id ? "tab on" : "tab", "aria-selected": String(state.tab === id), onclick: () => goTo(channel.id, id),
  }, name);
  return h("div", { key: "head", class: "heading" }, appAvatar("small"), h("h1", null, state.snap.app.name),
    h("div", { class: "tabs", role: "tablist", "aria-label": "The app" }, tab("home", "Home"), tab("messages", "Messages")), tourAgain());
}

function tourAgain() {
  return tourIsClosed() && state.snap.practice && h("button", { key: "tour", class: "quiet push", onclick: restartTour }, "Two-minute tour");
}

function lostStrip() {
  return state.lost && h("p", { key: "lost", class: "strip lost", role: "alert" }, "The sandbox does not answer. What you see may be old; it comes back by itself.");
}

function connectionStrip() {
  return state.snap.connected === false && h("p", { key: "bot", class: "strip lost", role: "status" }, "The bot is not connected yet.");
}

function problemStrip() {
  const { problems } = state.snap;
  if (problems.length <= state.seenProblems) return null;
  const last = problems.at(-1);
  return h("div", { key: "problem", class: "strip refusal", role: "alert" },
    h("p", null, h("strong", null, "⛔ Slack would refuse this: "), `${last.where} → ${last.error}`),
    h("button", { key: "show", class: "button small", onclick: () => showProblems(problems.length) }, "Show why"),
    h("button", { key: "hide", class: "icon-button", "aria-label": "Hide", onclick: () => change({ seenProblems: problems.length }) }, "×"));
}

function showProblems(seen) {
  change({ panel: true, seenProblems: seen });
  queueMicrotask(() => document.querySelector(".panel-body")?.scrollTo(0, 0));
}

function toasts() {
  return h("div", { key: "toasts", class: "toasts", role: "status", "aria-live": "polite" },
    state.toasts.map((one) => h("button", { key: one.id, class: `toast ${one.kind}`, onclick: () => dismissToast(one.id) }, one.text)));
}

function onKey(event) {
  if (event.isComposing) return;
  if (event.key === "Tab" && state.confirm) trap(event, document.querySelector(".confirm"));
  if (event.key === "F6" && !state.confirm) switchSides(event);
  if (event.key === "Escape") closeTop(event);
}

// F6 goes between the form (or the channel) and the side panel, which a modal does not cover.
function switchSides(event) {
  const inPanel = document.activeElement.closest(".panel");
  const form = document.querySelector(".modal") ?? document.querySelector(".composer-text");
  const side = inPanel ? form : document.querySelector(".panel-body");
  if (!side) return;
  event.preventDefault();
  side.focus();
}

// Escape closes whatever is on top.
function closeTop(event) {
  const view = topView();
  if (state.confirm) state.confirm.answer(false);
  else if (state.open) closeOpen();
  else if (state.rail || (state.panel && window.innerWidth <= 900)) change({ rail: false, panel: false });
  else if (view) closeView(view);
  else return;
  event.preventDefault();
}

function start() {
  onChange(redraw);
  watchPopovers();
  watchPictures();
  document.addEventListener("keydown", onKey);
  window.addEventListener("beforeunload", flush);
  window.addEventListener("resize", () => change());
  setInterval(() => document.visibilityState === "visible" && refresh(), TICK);
  refresh().then(() => {
    listen();
    if (state.tab === "home") goTo(state.channel, "home");
  });
}

start();
