// Making elements. Text becomes text nodes, never markup: this is the only way that anything gets onto a page.

/**
 * Make an element.
 *
 * `properties` are attributes, but for `on` (listeners by event) and `data` (data attributes); null and false leave an
 * attribute out, true sets an empty one. Children are nodes or strings; null is skipped.
 */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name === "on") for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    else if (name === "data") Object.assign(made.dataset, value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...nodes(children));
  return made;
}

function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** Put children in the place of whatever an element holds. */
export function fill(parent, ...children) {
  parent.replaceChildren(...nodes(children));
  return parent;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Return an address only if following it can do nothing but open a page: documents name their own addresses. */
export function safeUrl(value) {
  if (typeof value !== "string" || !/^https?:\/\//i.test(value)) return null;
  return URL.canParse(value) ? value : null;
}

/** A link to another site; just its words where the address is none that may be followed. */
export function outside(url, words, properties = {}) {
  const href = safeUrl(url);
  return href ? el("a", { href, rel: "noopener noreferrer", ...properties }, words) : el("span", {}, words);
}

/** Say something to a screen reader without moving the focus. */
export function announce(words) {
  const status = byId("status");
  status.textContent = "";
  // A live region speaks when it changes; the same words twice are no change.
  requestAnimationFrame(() => {
    status.textContent = words;
  });
}

/** Copy text; return whether the browser allowed it. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

// Over plain http to another machine there is no clipboard object.
function copyBySelection(text) {
  const area = el("textarea", { class: "visually-hidden", "aria-hidden": "true", tabindex: "-1" });
  area.value = text;
  const before = document.activeElement;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus();
  return done;
}

/** A button that copies and says so, on itself and aloud. */
export function copyButton(words, text, { label = null, copied, failed }) {
  const button = el("button", { type: "button", class: "quiet", "aria-label": label }, words);
  button.addEventListener("click", async () => {
    const done = await copy(text());
    announce(done ? copied : failed);
    button.classList.toggle("done", done);
    setTimeout(() => button.classList.remove("done"), 1600);
  });
  return button;
}
