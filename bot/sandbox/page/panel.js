// The side panel: what Slack would refuse, the practice registries, the practice cluster, and what
// the bot asked of whom.

import { h, cls } from "./dom.js";
import { copy } from "./clipboard.js";
import { clusterTab } from "./cluster.js";
import { clockTime, longTime } from "./dates.js";
import { fill, fillable, stateLabel } from "./fill.js";
import { actNow } from "./server.js";
import { change, state, toast } from "./store.js";

const MASK = "•".repeat(12);

export function panel() {
  if (!state.panel) return null;
  const { practice, cluster, problems, log } = state.snap;
  const tabs = [practice && ["practice", "Practice"], cluster && ["cluster", "Cluster"], ["log", `Log (${log.length})`]].filter(Boolean);
  const tab = tabs.some(([id]) => id === state.panelTab) ? state.panelTab : tabs[0][0];
  return h("aside", { key: "panel", id: "panel", class: "panel", "aria-label": "Side panel", "aria-keyshortcuts": "F6", title: "F6 goes between here and the form" },
    h("div", { class: "panel-head" },
      h("div", { class: "tabs", role: "tablist" }, tabs.map(([id, name]) => tabButton(id, name, tab))),
      h("button", { class: "icon-button", "aria-label": "Close the side panel", onclick: () => change({ panel: false }) }, "×")),
    h("div", { class: "panel-body", role: "tabpanel", "aria-label": { practice: "Practice", cluster: "Cluster", log: "Log" }[tab], tabIndex: 0 },
      problems.length > 0 && refused(problems),
      content(tab)));
}

function content(tab) {
  if (tab === "practice") return registries(state.snap.practice);
  return tab === "cluster" ? clusterTab() : logList(state.snap.log, state.snap.practice);
}

function tabButton(id, name, current) {
  return h("button", { key: id, role: "tab", class: cls("tab", id === current && "on"), "aria-selected": String(id === current), onclick: () => change({ panelTab: id }) }, name);
}

function refused(problems) {
  return h("section", { key: "problems", class: "refused", "aria-label": "What Slack would refuse" },
    h("h3", null, "⛔ Slack would refuse this"),
    h("ul", null, problems.slice(-20).reverse().map((one, at) => h("li", { key: `${one.at}/${at}` },
      h("strong", null, `${one.where}: ${one.error}`),
      [one.detail ?? []].flat().map((line) => h("p", null, String(line))),
      h("time", { title: one.at }, clockTime(new Date(one.at)))))));
}

function registries(practice) {
  return h("section", { key: "practice" },
    h("p", { class: "note" }, practice.note),
    practice.registries.map(card));
}

function card(registry) {
  const open = state.cards.has(registry.slug);
  const well = registry.state === registry.states[0]?.value;
  const toggle = () => {
    const cards = new Set(state.cards);
    if (!cards.delete(registry.slug)) cards.add(registry.slug);
    change({ cards });
  };
  return h("article", { key: registry.slug, class: cls("practice", open && "open"), "data-testid": `practice-${registry.slug}` },
    h("button", { class: "practice-head", "aria-expanded": String(open), onclick: toggle },
      h("span", { class: cls("dot", well ? "well" : "ill"), "aria-hidden": "true" }),
      h("span", { class: "practice-name" }, registry.label,
        h("small", null, h("span", { class: cls("state", !well && "ill") }, stateLabel(registry)), ` · ${registry.host}`)),
      h("span", { class: "chevron", "aria-hidden": "true" })),
    open && h("div", { key: "body", class: "practice-body" },
      stateSwitch(registry),
      answers(registry),
      registry.managing.length > 0 && h("section", { key: "managing", class: "one-of", "aria-label": "To rotate by itself" },
        h("h4", null, "To rotate by itself"),
        h("dl", { class: "credentials" }, registry.managing.map((field) => answer(`${registry.slug}/managing`, field)))),
      h("button", { key: "make", class: "button wide", onclick: () => makeOne(registry) }, "Make another credential")));
}

// What all credentials answer alike is shown once, above them.
function answers(registry) {
  const all = registry.credentials;
  if (!all.length) return h("p", { key: "none", class: "soft" }, "It has no credential any more.");
  const everywhere = (field) => all.every((one) => one.fields.some((other) => other.label === field.label && other.value === field.value));
  const shared = all.length > 1 ? all[0].fields.filter(everywhere) : [];
  return [
    shared.length > 0 && h("dl", { key: "shared", class: "credentials" }, shared.map((field) => answer(registry.slug, field))),
    ...all.map((one) => h("section", { key: one.handle, class: "one-of", "aria-label": one.name },
      h("h4", null, one.name, h("small", null, one.note)),
      h("dl", { class: "credentials" }, one.fields.filter((field) => all.length === 1 || !everywhere(field)).map((field) => answer(`${registry.slug}/${one.handle}`, field))),
      h("div", { class: "acts" },
        fillable(registry) && h("button", { key: "fill", class: "button primary", onclick: () => fillAndShow({ ...registry, fields: [...one.fields, ...registry.managing] }) }, "Fill the form"),
        !one.removed && h("button", { key: "remove", class: "button", "aria-label": `Remove ${one.name}`, onclick: () => removeOne(registry, one) }, "Remove")),
      h("label", { class: "outlives" },
        h("input", { type: "checkbox", checked: one.undying, "aria-label": `${one.name} works on when it is removed`, onchange: (event) => outlive(registry, one, event.target.checked) }),
        "Works on when it is removed"))),
  ];
}

async function makeOne(registry) {
  const done = await actNow({ do: "make_credential", slug: registry.slug });
  if (done.ok) toast(`${registry.label} has another credential now.`);
}

async function removeOne(registry, one) {
  const done = await actNow({ do: "remove_credential", slug: registry.slug, handle: one.handle });
  if (done.ok) toast(one.undying ? `${registry.label} lists ${one.name} no more; it works on.` : `${registry.label} knows ${one.name} no more.`);
}

async function outlive(registry, one, undying) {
  const done = await actNow({ do: "outlive_credential", slug: registry.slug, handle: one.handle, undying });
  if (!done.ok) return;
  if (undying) toast(`${one.name} works on when ${registry.label} says that it is removed.`);
  else toast(one.removed ? `${one.name} works no more.` : `${one.name} ends when it is removed.`);
}

function fillAndShow(registry) {
  if (window.innerWidth <= 900) change({ panel: false });
  fill(registry);
}

function stateSwitch(registry) {
  const id = `state-${registry.slug}`;
  return h("div", { class: "switch" },
    h("label", { for: id }, "It is"),
    h("select", { id, value: registry.state, "aria-label": `State of ${registry.label}`, onchange: (event) => setState(registry, event.target.value) },
      registry.states.map((one) => h("option", { key: one.value, value: one.value }, one.label))));
}

async function setState(registry, value) {
  const done = await actNow({ do: "practice", slug: registry.slug, state: value });
  const label = registry.states.find((one) => one.value === value)?.label ?? value;
  if (done.ok) toast(`${registry.label} is now: ${label}.`);
}

function answer(of, field) {
  const key = `${of}/${field.label}`;
  const masked = field.secret && !state.shown.has(key);
  const reveal = () => {
    const shown = new Set(state.shown);
    if (!shown.delete(key)) shown.add(key);
    change({ shown });
  };
  return h("div", { key, class: "credential" },
    h("dt", null, field.label),
    h("dd", null,
      h("code", { class: cls(masked && "masked"), title: masked ? null : field.value }, masked ? MASK : field.value),
      field.secret && h("button", { key: "eye", class: "mini", "aria-label": `${masked ? "Reveal" : "Hide"} ${field.label}`, onclick: reveal }, masked ? "Reveal" : "Hide"),
      h("button", { key: "copy", class: "mini", "aria-label": `Copy ${field.label}`, onclick: () => copy(field.value, field.label) }, "Copy")));
}

function logList(log, practice) {
  return h("section", { key: "log" },
    h("p", { class: "note" }, state.snap.live
      ? "Started with --live: the bot asks the real network. This is what it asked of whom; secrets are never written here."
      : "What the bot asked of whom, newest first. Secrets are never written here."),
    log.length === 0 && h("p", { class: "soft" }, practice ? "Nothing yet. Add a registry and its check shows up here." : "Nothing yet."),
    h("ol", { class: "log" }, log.slice(-200).reverse().map((one, at) => h("li", { key: `${log.length - at}` },
      h("time", { title: longTime(new Date(one.at)) }, clockTime(new Date(one.at))),
      h("strong", null, one.who),
      h("span", null, one.what)))));
}
