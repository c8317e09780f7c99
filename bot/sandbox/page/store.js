// Everything the page knows: the server's last snapshot, and what only this page needs.

const query = new URLSearchParams(location.search);

export const state = {
  snap: null, // the server's snapshot, or null before the first
  lost: false, // true while the server does not answer
  user: query.get("user") ?? "",
  channel: query.get("channel") ?? "",
  tab: query.get("tab") ?? "messages", // of the app's direct messages: messages | home
  wantsDm: false, // true until the new user's direct messages are known
  rail: false, // drawers on small screens
  panel: recall("panel", window.innerWidth > 1100),
  panelTab: "practice", // practice | cluster | log
  namespace: "", // of the practice cluster, to deploy to
  image: "", // what is typed to be deployed
  cards: new Set(), // practice registries that are unfolded
  shown: new Set(), // secrets that are revealed in the panel
  open: null, // the one open menu or picker: {key, …}
  confirm: null, // an open confirm dialog: {confirm, yes, no}
  pages: new Map(), // the shown page of each data table
  threads: new Set(), // threads that are unfolded
  pending: new Set(), // elements waiting for the server
  skipping: "", // how far the clock is being moved, while it is
  toasts: [],
  seenProblems: 0,
};

let redraw = () => {};
let planned = false;

/** Calls `fn` (once, soon) after every change. */
export function onChange(fn) {
  redraw = fn;
}

/** Changes what the page knows and redraws. */
export function change(patch = {}) {
  Object.assign(state, patch);
  if (planned) return;
  planned = true;
  queueMicrotask(() => {
    planned = false;
    redraw();
  });
}

/** Keeps the address bar true, so that a reload shows the same screen. */
export function rememberPlace() {
  const place = new URLSearchParams({ user: state.user, channel: state.channel });
  if (state.tab === "home") place.set("tab", "home");
  history.replaceState(null, "", `?${place}`);
}

/** What this browser remembered under `name`, or `fallback`. */
export function recall(name, fallback) {
  try {
    return JSON.parse(localStorage.getItem(`registrar.${name}`)) ?? fallback;
  } catch {
    return fallback;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(`registrar.${name}`, JSON.stringify(value));
  } catch {
    return; // a browser may forbid storage; the page works without memory
  }
}

let lastToast = 0;

/** Shows a short notice for some seconds; `kind` is `info` or `error`. */
export function toast(text, kind = "info") {
  const id = (lastToast += 1);
  change({ toasts: [...state.toasts.filter((one) => one.text !== text), { id, text, kind }] });
  setTimeout(() => dismissToast(id), kind === "error" ? 9000 : 3500);
}

export function dismissToast(id) {
  change({ toasts: state.toasts.filter((one) => one.id !== id) });
}
