// The first-time hint: a proven registry, an expired token, a fixed one; months in seconds; a cluster.

import { h, cls } from "./dom.js";
import { fill, registryBySlug } from "./fill.js";
import { plainText } from "./mrkdwn.js";
import { actNow, goTo } from "./server.js";
import { skip } from "./topbar.js";
import { change, recall, remember, state } from "./store.js";
import { closeViews, typeCommand } from "./typing.js";

const SLUG = "ghcr";
const HEALTHY = "healthy";
const EXPIRED = "expired";
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
    title: "Let its token expire",
    say: () => ["Switch GitHub to ", h("strong", null, "Expired"), " in the panel, then test: ", h("code", null, testCommand()), ". The bot says what died, and what to do."],
    button: "Expire and test",
    run: () => switchAndTest(EXPIRED),
    done: () => ghcr()?.state === EXPIRED && saidLately(/\bexpired\b|🔴/i),
  },
  {
    title: "Fix it",
    say: () => ["GitHub renews the token: switch it back to ", h("strong", null, "Healthy"), " and test again. It is green, and its history knows of the outage."],
    button: "Renew and test",
    run: () => switchAndTest(HEALTHY),
    done: () => ghcr()?.state === HEALTHY && saidLately(/🟢/),
  },
  {
    title: "Let two months pass",
    say: () => ["GitHub's tokens live for 60 days here. ", h("strong", null, "Skip"), " 30 days at the clock, twice, and a day: a reminder comes, is edited as the end nears, and becomes an alert when the token is refused; in the alert channel, or in your direct messages."],
    button: "Skip 61 days",
    run: growOld,
    done: () => ghcr()?.state === EXPIRED && anyAlert(/🔴/),
  },
  {
    title: "Take it, and fix it",
    say: () => ["Press ", h("strong", null, "Acknowledge"), " at the alert. Then renew the token, press ", h("strong", null, "Fix credential"), " and put it in: the alert turns green, and its thread tells the story."],
    button: "Renew and show me",
    run: renewAndShow,
    done: () => ghcr()?.state === HEALTHY && anyAlert(/✅/),
  },
  {
    title: "Guard a cluster",
    say: () => ["Start the practice cluster in the panel and deploy ", h("code", null, "ghcr.io/team/app"), ", which your registry covers, then ", h("code", null, "nginx"), ", which none does."],
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
  keep({ step: 0, closed: false });
}

export function tourIsClosed() {
  return memory.closed;
}

function ghcr() {
  return registryBySlug(SLUG);
}

function names() {
  return state.snap.names?.NAME ?? [];
}

function testCommand() {
  const name = names().find((one) => /ghcr|github/.test(one)) ?? names().at(-1) ?? "all";
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
  const registry = ghcr();
  if (!registry) return;
  unfold();
  if (state.snap.views.length) fill(registry);
  else typeCommand(`${state.snap.app.command} add`);
}

async function switchAndTest(value) {
  unfold();
  await actNow({ do: "practice", slug: SLUG, state: value });
  typeCommand(testCommand());
}

async function growOld() {
  closeViews();
  for (const [name, seconds] of [["30 days", MONTH], ["30 days", MONTH], ["1 day", DAY]]) await skip(name, seconds);
  showNews();
}

async function renewAndShow() {
  unfold();
  closeViews();
  await actNow({ do: "practice", slug: SLUG, state: HEALTHY });
  showNews();
}

// Goes where the bot has said something that was not read yet.
function showNews() {
  const place = state.snap.channels.find((one) => one.unread > 0);
  if (place) goTo(place.id, "messages");
}

function unfold() {
  change({ cards: new Set(state.cards).add(SLUG), panelTab: "practice", panel: window.innerWidth > 900 || state.panel });
}

/** The strip under the top bar, or nothing when it was closed or there is nothing to practise on. */
export function tour() {
  if (memory.closed || !ghcr()) return null;
  const step = STEPS[memory.step];
  return h("section", { key: "tour", class: "tour", "aria-label": "Two-minute tour" },
    h("ol", { class: "dots", "aria-label": `Step ${Math.min(memory.step + 1, STEPS.length)} of ${STEPS.length}` },
      STEPS.map((one, at) => h("li", { key: at },
        h("button", {
          class: cls("dot-button", at === memory.step && "on", at < memory.step && "past"),
          "aria-label": `Step ${at + 1}: ${one.title}`,
          "aria-current": at === memory.step ? "step" : null,
          onclick: () => keep({ step: at }),
        }, at < memory.step ? "✓" : at + 1)))),
    step ? stepText(step) : finished(),
    h("button", { key: "close", class: "icon-button", "aria-label": "Close the tour", onclick: () => keep({ closed: true }) }, "×"));
}

function stepText(step) {
  return [
    h("p", { key: "say", "aria-live": "polite" }, h("strong", null, `${step.title}. `), step.say()),
    h("button", { key: "do", class: "button small", onclick: step.run }, step.button),
  ];
}

function finished() {
  return [
    h("p", { key: "say", "aria-live": "polite" }, h("strong", null, "That is the whole of it. "),
      "Eight more registries are in the panel, each with its own ways to fail. Try ", h("code", null, state.snap.app.command), " for more."),
    h("button", { key: "do", class: "button small", onclick: () => keep({ closed: true }) }, "Done"),
  ];
}

/** Goes on when a step was done; called with every snapshot. */
export function followTour() {
  if (memory.closed || !state.snap?.practice) return;
  const step = STEPS[memory.step];
  if (step?.done()) keep({ step: memory.step + 1 });
}
