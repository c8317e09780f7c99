// The practice cluster in the side panel: deploy something, and read what kubectl prints.

import { h, cls } from "./dom.js";
import { clockTime } from "./dates.js";
import { queue } from "./server.js";
import { change, state } from "./store.js";
import { typeCommand } from "./typing.js";

const MODES = {
  audit: "What no registry covers runs, and is noted.",
  warn: "What no registry covers runs, and whoever deploys it is warned.",
  enforce: "What no registry covers is refused.",
};

const ABOVE = 7; // pixels between the terminal's edge and its newest command
const underWay = new Set(); // acts that are not answered yet

/** The tab's content. */
export function clusterTab() {
  const { cluster } = state.snap;
  if (cluster.state === "new") return welcome("Start the cluster", "A Kubernetes cluster to practise on. It asks Registrar before an image may run, and tells it what runs, as your own clusters would.");
  if (cluster.state === "gone") return welcome("Start it anew", `${cluster.name} was deleted in Registrar: its webhook is refused there, and its token has ended.`);
  return h("section", { key: "cluster", class: "cluster" }, mode(cluster), deploying(cluster), terminal(cluster), running(cluster));
}

function welcome(button, text) {
  return h("section", { key: "welcome", class: "cluster-welcome" },
    h("span", { class: "cluster-mark" }, wheel()),
    h("p", null, text),
    h("button", { class: "button primary", "aria-busy": String(underWay.size > 0), onclick: () => act({ what: "start" }) }, button));
}

function wheel() {
  const spokes = [0, 45, 90, 135].map((turn) => h("path", { key: turn, d: "M12 2.500v19", transform: `rotate(${turn} 12 12)` }));
  return h("svg", { viewBox: "0 0 24 24", width: 36, height: 36, fill: "none", stroke: "currentColor", "stroke-width": 1.7, "stroke-linecap": "round", "aria-hidden": "true" },
    h("circle", { cx: 12, cy: 12, r: 6.5 }), spokes);
}

function mode(cluster) {
  return h("div", { key: "mode", class: "cluster-mode" },
    h("div", { class: "cluster-title" },
      h("strong", null, cluster.name),
      h("div", { class: "segments", role: "group", "aria-label": `How strict ${cluster.name} is` },
        cluster.modes.map((one) => h("button", {
          key: one,
          class: cls("segment", one === cluster.mode && "on"),
          "aria-pressed": String(one === cluster.mode),
          title: `Types ${modeCommand(cluster, one)}`,
          onclick: () => one !== cluster.mode && typeCommand(modeCommand(cluster, one)),
        }, one)))),
    h("p", { class: "note" }, MODES[cluster.mode], " Another mode is set in Slack: its button types the command."));
}

function modeCommand(cluster, one) {
  return `${state.snap.app.command} cluster mode ${cluster.name} ${one}`;
}

function deploying(cluster) {
  const chosen = cluster.namespaces.find((one) => one.name === state.namespace) ?? cluster.namespaces[0];
  const go = (image) => act({ what: "deploy", namespace: chosen.name, image });
  return h("div", { key: "deploy", class: "deploy" },
    h("div", { class: "switch" },
      h("label", { for: "namespace" }, "Deploy to"),
      h("select", { id: "namespace", value: chosen.name, onchange: (event) => change({ namespace: event.target.value }) },
        cluster.namespaces.map((one) => h("option", { key: one.name, value: one.name }, namespaceLabel(cluster, one))))),
    h("ul", { class: "ready" }, cluster.ready.map((one) => h("li", { key: one.image },
      h("span", { class: "ready-image" }, h("code", null, one.image), h("small", null, one.what)),
      h("button", { class: "button small", "aria-label": `Deploy ${one.image}`, onclick: () => go(one.image) }, "Deploy")))),
    h("form", {
      class: "any-image",
      onsubmit: (event) => {
        event.preventDefault();
        if (state.image.trim()) go(state.image.trim());
      },
    },
    h("input", { type: "text", class: "field-input", "aria-label": "Any image", placeholder: "Any image", autocomplete: "off", spellcheck: "false", value: state.image, oninput: (event) => change({ image: event.target.value }) }),
    h("button", { class: "button small", type: "submit", disabled: !state.image.trim() }, "Deploy")));
}

function namespaceLabel(cluster, one) {
  const environment = one.environment && one.environment !== "any" ? ` · ${one.environment}` : "";
  const strict = one.mode !== cluster.mode ? ` · ${one.mode}` : "";
  return `${one.name}${environment}${strict}`;
}

function terminal(cluster) {
  return h("div", { key: "terminal", class: "terminal", role: "log", "aria-label": "Terminal", tabIndex: 0, update: stick, mount: stick },
    cluster.terminal.length === 0 && h("p", { key: "empty", class: "terminal-empty" }, "What kubectl prints is shown here."),
    cluster.terminal.map((one) => h("div", { key: one.number, class: "printed", "data-outcome": one.outcome, "data-testid": "printed" },
      h("p", { class: "typed" }, h("span", { "aria-hidden": "true" }, "$ "), one.command),
      one.lines.map((line, at) => h("p", { key: at, class: kindOf(line) }, line)),
      one.outcome !== "done" && h("button", { key: "check", class: "ask", title: `Types ${checkCommand(one.image)}`, onclick: () => typeCommand(checkCommand(one.image)) }, "Check it in Slack"))));
}

function checkCommand(image) {
  return `${state.snap.app.command} check ${image}`;
}

function kindOf(line) {
  if (line.startsWith("Warning:")) return "says-warning";
  return line.startsWith("error:") || line.startsWith("Warning  ") ? "says-error" : null;
}

// Shows the newest command from its first line, until somebody scrolls.
function stick(el) {
  const last = el.lastElementChild;
  if (el.seen === last) return;
  el.seen = last;
  el.scrollTop = last.offsetTop - el.offsetTop - ABOVE;
}

function running(cluster) {
  return h("div", { key: "running", class: "running" },
    h("h3", null, "Running"),
    cluster.workloads.length === 0 && h("p", { key: "none", class: "soft" }, "Nothing yet."),
    h("ul", { class: "workloads" }, cluster.workloads.map(workload)),
    h("p", { key: "told", class: "note" }, inventory(cluster.inventory)),
    token(cluster));
}

// The field is the browser's: a token is read once, when it is sent.
function token(cluster) {
  return h("details", { key: "token", class: "new-token" },
    h("summary", null, "New token"),
    h("p", { class: "note" }, `After ${state.snap.app.command} cluster rotate ${cluster.name}, paste here what its page shows.`),
    h("form", {
      class: "any-image",
      onsubmit: (event) => {
        event.preventDefault();
        const field = event.target.elements.token;
        if (field.value.trim()) act({ what: "token", token: field.value });
        field.value = "";
      },
    },
    h("input", { type: "password", name: "token", class: "field-input", "aria-label": "New token", placeholder: "rgct_…", autocomplete: "off" }),
    h("button", { class: "button small", type: "submit" }, "Use it")));
}

function workload(one) {
  const { namespace, name } = one;
  const scale = (replicas) => act({ what: "scale", namespace, name, replicas });
  const short = one.running < one.wanted;
  return h("li", { key: `${namespace}/${name}`, class: "workload", "data-testid": `workload-${namespace}/${name}` },
    h("span", { class: cls("dot", short && "ill"), "aria-hidden": "true" }),
    h("span", { class: "workload-name" }, h("strong", null, `${namespace}/${name}`), h("small", { title: one.image }, one.image), one.note && h("small", { key: "note", class: "trouble-note", title: one.trouble || null }, one.note)),
    h("span", { class: "pods" },
      h("button", { class: "mini", "aria-label": `One pod less of ${namespace}/${name}`, disabled: one.wanted === 0, onclick: () => scale(one.wanted - 1) }, "−"),
      h("span", { class: cls("pod-count", short && "ill"), title: one.trouble || null }, `${one.running}/${one.wanted}`),
      h("button", { class: "mini", "aria-label": `One pod more of ${namespace}/${name}`, onclick: () => scale(one.wanted + 1) }, "+")),
    h("button", { class: "mini", "aria-label": `Delete ${namespace}/${name}`, onclick: () => act({ what: "delete", namespace, name }) }, "Delete"));
}

function inventory(told) {
  if (!told.at) return "";
  const at = clockTime(new Date(told.at));
  if (told.trouble) return `The inventory was not taken at ${at}: ${told.trouble}`;
  const uncovered = told.uncovered ? `, ${told.uncovered} of its images without a registry` : "";
  return `Inventory sent at ${at}: ${told.workloads === 1 ? "1 workload" : `${told.workloads} workloads`}${uncovered}.`;
}

// Acts follow each other in order; the same one again while it is under way is a double click.
async function act(what) {
  const key = JSON.stringify(what);
  if (underWay.has(key)) return;
  underWay.add(key);
  change();
  await queue({ user: state.user, do: "cluster", ...what });
  underWay.delete(key);
  change();
  if (what.what === "start") document.querySelector(".panel-body")?.focus(); // its button is gone
}
