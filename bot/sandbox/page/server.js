// Talking to the local Slack: snapshots, events, and acts in the order they were done.

import { change, rememberPlace, state, toast } from "./store.js";
import { dropSettled, flush } from "./held.js";

const LOST = "The sandbox does not answer. Is it still running in the terminal?";
let chain = Promise.resolve();
let fetching = false;
let again = false;
let source = null;
let fetched = 0;

/** Fetches the screen; calls while one is under way ask for one more afterwards. */
export async function refresh() {
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  do {
    again = false;
    await fetchOnce();
  } while (again);
  fetching = false;
}

async function fetchOnce() {
  const { user, channel } = state;
  const number = (fetched += 1);
  try {
    const answer = await fetch(`/sandbox/state?${new URLSearchParams({ user, channel })}`, { cache: "no-store" });
    if (!answer.ok) throw new TypeError(`the sandbox answered ${answer.status}`);
    const snap = await answer.json();
    if (user === state.user && channel === state.channel) take(snap, number);
    else again = true;
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
    change({ lost: true });
  }
}

function take(snap, number) {
  dropSettled(snap, number);
  const moved = state.user !== snap.me.id || (snap.channel && state.channel !== snap.channel);
  state.user = snap.me.id;
  state.channel = snap.channel || state.channel;
  if (moved) {
    rememberPlace();
    listen();
  }
  change({ snap, lost: false });
  const dm = state.wantsDm && snap.channels.find((one) => one.kind === "dm");
  if (dm) {
    state.wantsDm = false;
    goTo(dm.id, state.tab);
  }
}

/** The number of the snapshot that will be asked for next. */
export function nextSnapshot() {
  return fetched + 1;
}

/** Listens to the changes of the current user's screen. */
export function listen() {
  if (source?.user === state.user) return;
  source?.close();
  source = new EventSource(`/sandbox/events?${new URLSearchParams({ user: state.user })}`);
  source.user = state.user;
  source.onopen = () => refresh();
  source.onmessage = () => refresh();
  source.onerror = () => change({ lost: true });
}

/** Does something as the current user, after what was done before; answers the server's JSON. */
export function act(body) {
  flush();
  return queue({ user: state.user, ...body });
}

/** Puts an act in the queue as it is. */
export function queue(body) {
  const done = chain.then(() => post(body));
  chain = done.catch(() => undefined);
  return done;
}

/** Does something that need not wait for what was done before. */
export function actNow(body) {
  return post({ user: state.user, ...body });
}

async function post(body) {
  try {
    const answer = await fetch("/sandbox/act", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const result = await answer.json();
    if (!result.ok && result.error && !body.quiet) toast(result.error, "error");
    refresh();
    return result;
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
    toast(LOST, "error");
    return { ok: false, error: LOST };
  }
}

/** Shows another user's screen. */
export function becomeUser(id) {
  if (id === state.user) return;
  flush();
  // Everyone has direct messages of their own: the same tab is found in the new user's snapshot.
  const dm = state.snap.channels.find((one) => one.id === state.channel)?.kind === "dm";
  change({ user: id, channel: dm ? "" : state.channel, wantsDm: dm, open: null, confirm: null });
  place();
}

/** Shows another channel, or the app's `home` tab. */
export function goTo(channel, tab = "messages") {
  change({ channel, tab, rail: false, open: null });
  place();
  const dm = state.snap.channels.find((one) => one.id === channel)?.kind === "dm";
  if (dm) actNow({ do: tab === "home" ? "open_home" : "open_dm" });
}

function place() {
  rememberPlace();
  listen();
  refresh();
}
