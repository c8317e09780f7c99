// Copying text, also where the browser forbids the modern way.

import { toast } from "./store.js";

/** Copies and says so; `name` is what was copied. */
export async function copy(text, name) {
  const done = (await modern(text)) || old(text);
  toast(done ? `${name} copied.` : "The browser did not allow copying. Reveal the value and copy it by hand.", done ? "info" : "error");
}

async function modern(text) {
  if (!navigator.clipboard) return false;
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // no permission: the old way may still work
  }
}

function old(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "offscreen";
  const before = document.activeElement;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus();
  return done;
}
