// The first-time hint: a proven registry, an expired token, a fixed one; months in seconds; a cluster.

import { h, cls } from "./dom.js";
import { chosenIn, fill, registryBySlug } from "./fill.js";
import { plainText } from "./mrkdwn.js";
import { actNow, goTo } from "./server.js";
import { skip } from "./topbar.js";
import { change, recall, remember, state } from "./store.js";
import { closeViews, typeCommand } from "./typing.js";

const SLUG = "ghcr"; // until another kind is added
const HEALTHY = "healthy";
const ENDS = ["expired", "revoked", "wrong_secret", "down"]; // the first that the registry has
const LIVES = { ghcr: 60, github_enterprise: 60, gitlab: 45, scaleway: 30 }; // days of a credential
const DAY = 86_400;
const MONTH = 30 * DAY;

const STEPS = [
  {
    title: "Ask for the form",
    say: () => ["Type ", h("code", null, `${state.snap.app.command} add`), " and press Enter. A form opens, as it does in Slack."],
    button: "Type it",
    run: () => typeCommand(`${state.snap.app.command} add`),
    done: () => state.snap.views.length > 0,
  },
  {
    title: "Prove a registry",
    say: () => ["Choose GitHub Container Registry, copy its practice credentials from the panel on the right, and press ", h("strong", null, "Test and save"), "."],
    button: "Fill it in",
    run: fillForm,
    done: () => saidLately(/\bproven and saved\b/i),
  },
  {
    title: () => (added()?.slug === SLUG ? "Let its token expire" : "Let its credential end"),
    say: () => ["Switch ", called(), " to ", h("strong", null, ending().label), " in the panel, then test: ", h("code", null, testCommand()), ". The bot says what died, and what to do."],
    button: "End it and test",
    run: () => switchAndTest(ending().value),
    done: () => added()?.state === ending().value && saidLately(/\bexpired\b|🔴|🟠/i),
  },
  {
    title: "Fix it",
    say: () => ["The credential is renewed: switch it back to ", h("strong", null, "Healthy"), " and test again. It is green, and its history knows of the outage."],
    button: "Renew and test",
    run: () => switchAndTest(HEALTHY),
    done: () => added()?.state === HEALTHY && saidLately(/🟢/),
  },
  {
    title: () => (lives() ? "Let two months pass" : "Let three months pass"),
    say: () => (lives()
      ? [called(), `: a credential lives for ${lives()} days here. `, h("strong", null, "Skip"), " 30 days at the clock, twice, and a day: a reminder comes, is edited as the end nears, and becomes an alert when it is refused; in the alert channel, or in your direct messages."]
      : [called(), ": a credential does not end by itself here. ", h("strong", null, "Skip"), " 30 days at the clock, three times, and a day: a reminder of its age comes. Then switch it to ", h("strong", null, ending().label), " and skip a day: the reminder becomes an alert."]),
    button: () => (lives() ? "Skip 61 days" : "Skip 91 days, and end it"),
    run: growOld,
    done: () => added()?.state !== HEALTHY && anyAlert(/🔴|🟠/),
  },
  {
    title: "Take it, and fix it",
    say: () => ["Press ", h("strong", null, "Acknowledge"), " at the alert. Then renew the credential, press ", h("strong", null, "Fix credential"), " and put it in: the alert turns green, and its thread tells the story."],
    button: "Renew and show me",
    run: renewAndShow,
    done: () => added()?.state === HEALTHY && anyAlert(/✅/),
  },
  {
    title: "Guard a cluster",
    say: () => ["Start the practice cluster in the panel and deploy ", h("code", null, `${added()?.host ?? "ghcr.io"}/team/app`), ", which your registry covers, then ", h("code", null, "nginx"), ", which none does."],
    button: "Show me",
    run: () => change({ panelTab: "cluster", panel: true, rail: false }),
    done: () => Boolean(state.snap.cluster?.terminal.some((one) => one.outcome !== "done")),
  },
];

const memory = recall("tour", { step: 0, closed: false });

function keep(patch) {
  Object.assign(memory, patch);
  remember("tour", memory);
  change();
}

/** Starts the tour again. */
export function restartTour() {
  keep({ step: 0, closed: false, slug: undefined, name: undefined });
}

export function tourIsClosed() {
  return memory.closed;
}

// The practice registry of the kind that was added.
function added() {
  return registryBySlug(memory.slug) ?? registryBySlug(SLUG);
}

function called() {
  return added()?.label ?? "it";
}

function lives() {
  return LIVES[added()?.slug];
}

// How its credential ends: expired, or what comes nearest to that.
function ending() {
  const states = added()?.states ?? [];
  return ENDS.map((end) => states.find((one) => one.value === end)).find(Boolean) ?? states.at(-1);
}

function worded(text) {
  return typeof text === "function" ? text() : text;
}

function names() {
  return state.snap.names?.NAME ?? [];
}

function testCommand() {
  const slug = added()?.slug ?? SLUG;
  const like = new RegExp(slug === SLUG ? "ghcr|github" : slug.replaceAll("_", ".?"));
  const known = memory.name && names().includes(memory.name) ? memory.name : null;
  const name = known ?? names().find((one) => like.test(one)) ?? names().at(-1) ?? "all";
  return `${state.snap.app.command} test ${name}`;
}

// Looks at the alerts of the shown conversation: messages with a bar of colour.
function anyAlert(pattern) {
  return state.snap.messages.some((message) => message.attachments?.length && pattern.test(`${message.text} ${textOf(message.blocks)}`));
}

// Looks at the newest thing on the screen: the open modal, or the last message.
function saidLately(pattern) {
  const view = state.snap.views.at(-1);
  const message = state.snap.messages.at(-1);
  return [view && textOf(view.blocks), message && `${message.text} ${textOf(message.blocks)}`].some((text) => text && pattern.test(text));
}

function textOf(value) {
  if (Array.isArray(value)) return value.map(textOf).join(" ");
  if (value === null || typeof value !== "object") return "";
  const own = typeof value.text === "string" ? plainText(value) : "";
  return `${own} ${Object.values(value).map(textOf).join(" ")}`;
}

function fillForm() {
  const registry = chosenIn() ?? added();
  if (!registry) return;
  unfold();
  if (state.snap.views.length) fill(registry);
  else typeCommand(`${state.snap.app.command} add`);
}

async function switchAndTest(value) {
  unfold();
  await actNow({ do: "practice", slug: added().slug, state: value });
  typeCommand(testCommand());
}

async function growOld() {
  closeViews();
  const months = Array.from({ length: lives() ? 2 : 3 }, () => ["30 days", MONTH]);
  for (const [name, seconds] of [...months, ["1 day", DAY]]) await skip(name, seconds);
  if (!lives()) {
    await actNow({ do: "practice", slug: added().slug, state: ending().value });
    await skip("1 day", DAY);
  }
  showNews();
}

async function renewAndShow() {
  unfold();
  closeViews();
  await actNow({ do: "practice", slug: added().slug, state: HEALTHY });
  showNews();
}

// Goes where the bot has said something that was not read yet.
function showNews() {
  const place = state.snap.channels.find((one) => one.unread > 0);
  if (place) goTo(place.id, "messages");
}

function unfold() {
  change({ cards: new Set(state.cards).add(added()?.slug ?? SLUG), panelTab: "practice", panel: window.innerWidth > 900 || state.panel });
}

/** The strip under the top bar, or nothing when it was closed or there is nothing to practise on. */
export function tour() {
  if (memory.closed || !added()) return null;
  const step = STEPS[memory.step];
  return h("section", { key: "tour", class: "tour", "aria-label": "Two-minute tour" },
    h("ol", { class: "dots", "aria-label": `Step ${Math.min(memory.step + 1, STEPS.length)} of ${STEPS.length}` },
      STEPS.map((one, at) => h("li", { key: at },
        h("button", {
          class: cls("dot-button", at === memory.step && "on", at < memory.step && "past"),
          "aria-label": `Step ${at + 1}: ${worded(one.title)}`,
          "aria-current": at === memory.step ? "step" : null,
          onclick: () => keep({ step: at }),
        }, at < memory.step ? "✓" : at + 1)))),
    step ? stepText(step) : finished(),
    h("button", { key: "close", class: "icon-button", "aria-label": "Close the tour", onclick: () => keep({ closed: true }) }, "×"));
}

function stepText(step) {
  return [
    h("p", { key: "say", "aria-live": "polite" }, h("strong", null, `${worded(step.title)}. `), step.say()),
    h("button", { key: "do", class: "button small", onclick: step.run }, worded(step.button)),
  ];
}

function finished() {
  return [
    h("p", { key: "say", "aria-live": "polite" }, h("strong", null, "That is the whole of it. "),
      "Eight more registries are in the panel, each with its own ways to fail. Try ", h("code", null, state.snap.app.command), " for more."),
    h("button", { key: "do", class: "button small", onclick: () => keep({ closed: true }) }, "Done"),
  ];
}

// Remembers the kind that the form has, and the name under which it was saved.
function noteAdded() {
  if (memory.step > 1) return;
  const view = state.snap.views.at(-1);
  const slug = chosenIn()?.slug ?? memory.slug;
  const name = /proven and saved:\W*([a-z0-9-]+)/i.exec(view ? textOf(view.blocks) : "")?.[1] ?? memory.name;
  if (slug !== memory.slug || name !== memory.name) keep({ slug, name });
}

/** Goes on when a step was done; called with every snapshot. */
export function followTour() {
  if (memory.closed || !state.snap?.practice) return;
  noteAdded();
  const step = STEPS[memory.step];
  if (step?.done()) keep({ step: memory.step + 1 });
}
