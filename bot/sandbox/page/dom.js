// A small virtual DOM: say what should be there, and only what differs is touched. So a field that
// someone is typing in keeps its focus, caret and text whatever else changes on the screen.

const SVG = "http://www.w3.org/2000/svg";
const AS_PROPERTY = new Set(["checked", "disabled", "hidden", "inert", "readOnly", "tabIndex"]);
const HOOKS = new Set(["key", "mount", "update", "unmount"]);

const mounted = []; // created by the current drawing; their hooks run when all is in the document

/** Describes an element. Children may be nested arrays, text, numbers; null and booleans are nothing. */
export function h(tag, props, ...children) {
  return { tag, props: props ?? {}, key: props?.key, children: nodesOf(children), el: null };
}

/** An element that is built anew only when one of `deps` is another one; `build` always gives the same tag. */
export function lazy(key, deps, build) {
  return { tag: "#lazy", key, deps, build, inner: null, el: null };
}

function nodesOf(children) {
  const nodes = [];
  const seen = new Map();
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || typeof child === "boolean") continue;
    const node = typeof child === "object" ? child : { tag: "#text", text: String(child), el: null };
    nodes.push(node);
    node.slot = slotOf(node, seen);
  }
  return nodes;
}

// Nodes without a key are matched by their tag and their rank among such siblings.
function slotOf(node, seen) {
  if (node.key !== undefined) return `=${node.key}`;
  const rank = seen.get(node.tag) ?? 0;
  seen.set(node.tag, rank + 1);
  return `${node.tag}:${rank}`;
}

/** Draws `nodes` into `parent`; call it again with new nodes to change what is there. */
export function draw(parent, ...nodes) {
  const next = nodesOf(nodes);
  const focused = document.activeElement;
  const caret = caretOf(focused);
  if (!parent.drawn) parent.replaceChildren();
  patchChildren(parent, parent.drawn ?? [], next);
  parent.drawn = next;
  if (focused !== document.activeElement && focused?.isConnected) {
    focused.focus({ preventScroll: true });
    if (caret) focused.setSelectionRange(...caret);
  }
  for (const node of mounted.splice(0)) node.props.mount(node.el);
}

function caretOf(el) {
  const typed = el instanceof HTMLTextAreaElement || (el instanceof HTMLInputElement && el.type === "text");
  return typed ? [el.selectionStart, el.selectionEnd] : null;
}

function patchChildren(parent, old, next) {
  const left = new Map(old.map((node) => [node.slot, node]));
  for (const node of next) {
    const before = left.get(node.slot);
    if (before && before.tag === node.tag) {
      left.delete(node.slot);
      patchNode(before, node);
    } else {
      create(node, parent.namespaceURI === SVG);
    }
  }
  for (const gone of left.values()) remove(gone);
  let cursor = parent.firstChild;
  for (const node of next) {
    if (node.el === cursor) cursor = cursor.nextSibling;
    else parent.insertBefore(node.el, cursor);
  }
}

function create(node, inSvg) {
  if (node.tag === "#text") {
    node.el = document.createTextNode(node.text);
    return;
  }
  if (node.tag === "#lazy") {
    node.inner = node.build();
    create(node.inner, inSvg);
    node.el = node.inner.el;
    return;
  }
  node.el = inSvg || node.tag === "svg" ? document.createElementNS(SVG, node.tag) : document.createElement(node.tag);
  patchChildren(node.el, [], node.children);
  for (const [name, value] of Object.entries(node.props)) setProp(node.el, name, value, undefined);
  if (node.props.mount) mounted.push(node);
}

function patchNode(before, node) {
  node.el = before.el;
  if (node.tag === "#text") {
    if (before.text !== node.text) node.el.nodeValue = node.text;
    return;
  }
  if (node.tag === "#lazy") {
    const same = node.deps.every((dep, at) => dep === before.deps[at]);
    node.inner = same ? before.inner : node.build();
    if (!same) patchNode(before.inner, node.inner);
    return;
  }
  patchChildren(node.el, before.children, node.children);
  for (const name of Object.keys(before.props)) {
    if (!(name in node.props)) setProp(node.el, name, undefined, before.props[name]);
  }
  for (const [name, value] of Object.entries(node.props)) {
    if (value !== before.props[name] || name === "value") setProp(node.el, name, value, before.props[name]);
  }
  node.props.update?.(node.el);
}

function remove(node) {
  forget(node);
  node.el.remove();
}

function forget(node) {
  if (node.inner) forget(node.inner);
  node.props?.unmount?.(node.el);
  for (const child of node.children ?? []) forget(child);
}

function setProp(el, name, value, before) {
  if (HOOKS.has(name)) return;
  if (name.startsWith("on")) el[name] = value ?? null;
  else if (name === "value") setValue(el, value ?? "");
  else if (name === "style") setStyle(el, value ?? {}, before ?? {});
  else if (AS_PROPERTY.has(name)) el[name] = value ?? false;
  else if (value === undefined || value === null || value === false) el.removeAttribute(name);
  else el.setAttribute(name, value === true ? "" : value);
}

// What a person is typing is theirs: a redraw never writes into the focused field.
function setValue(el, value) {
  if (el !== document.activeElement && el.value !== value) el.value = value;
}

function setStyle(el, style, before) {
  for (const name of Object.keys(before)) if (!(name in style)) el.style.removeProperty(name);
  for (const [name, value] of Object.entries(style)) el.style.setProperty(name, value);
}

/** Class names from strings and false values. */
export function cls(...names) {
  return names.filter(Boolean).join(" ");
}
