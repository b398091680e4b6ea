// The numbered marks of references, and the card that shows what is behind one.

import { shortAuthors } from "./citing.js";
import { byId, el, fill } from "./dom.js";
import { t } from "./text.js";

/** A mark such as [2]; `known` is the reference where its details are at hand. */
export function chip(n, known) {
  const label = known?.title ? t("references.chip", { n, title: known.title }) : t("references.chip_plain", { n });
  return el("a", { class: "chip", href: `#reference-${n}`, data: { reference: String(n) }, "aria-label": label }, String(n));
}

/** Marks for several numbers, side by side. */
export function chips(numbers, references) {
  const known = new Map(references.map((each) => [each.number, each]));
  return numbers.map((n) => chip(n, known.get(n)));
}

const MARKER = /\s?\[(\d+(?:\s*[,–-]\s*\d+)*)\]/g;

/**
 * A sentence with its marks where its document prints them.
 *
 * A printed number is its document's own and may mean another reference here. So marks take the place of printed
 * ones only where there is no doubt: one marker, whose numbers are exactly the sentence's. Otherwise they follow.
 */
export function markedSentence(text, numbers, references) {
  const marks = chips(numbers, references);
  const found = [...text.matchAll(MARKER)];
  if (found.length !== 1 || !sameNumbers(found[0][1], numbers)) return [text, ...marks];
  const [{ index, 0: whole }] = found;
  return [text.slice(0, index), ...marks, text.slice(index + whole.length)];
}

function sameNumbers(printed, numbers) {
  const read = printed.split(",").flatMap((part) => {
    const [from, to = from] = part.split(/[–-]/).map(Number);
    return to - from > 50 ? [] : Array.from({ length: to - from + 1 }, (_, at) => from + at);
  });
  return read.length === numbers.length && read.every((n) => numbers.includes(n));
}

const CARD_ID = "card";
const LINGER_MS = 150;

/**
 * Show the reference behind a chip when it is pointed at or focused, and go to its entry when it is followed.
 *
 * The card can be pointed at itself, and Escape closes it (WCAG 1.4.13).
 */
export function installCards(root, referenceOf) {
  const card = el("div", { id: CARD_ID, class: "card", role: "tooltip", hidden: true });
  byId("main").append(card);
  let shown = null;
  let leaving = 0;

  const hide = () => {
    shown?.removeAttribute("aria-describedby");
    shown = null;
    card.hidden = true;
  };
  const hideSoon = () => {
    clearTimeout(leaving);
    leaving = setTimeout(hide, LINGER_MS);
  };
  const show = (mark) => {
    clearTimeout(leaving);
    const reference = referenceOf(Number(mark.dataset.reference));
    if (!reference || mark === shown) return;
    hide();
    shown = mark;
    fill(card, cardContent(reference));
    card.hidden = false;
    mark.setAttribute("aria-describedby", CARD_ID);
    place(card, mark.getBoundingClientRect());
  };

  const markOf = (event) => event.target.closest?.(".chip[data-reference]");
  root.addEventListener("pointerover", (event) => event.pointerType !== "touch" && markOf(event) && show(markOf(event)));
  root.addEventListener("pointerout", (event) => markOf(event) && hideSoon());
  root.addEventListener("focusin", (event) => {
    const mark = markOf(event);
    if (mark?.matches(":focus-visible")) show(mark);
  });
  root.addEventListener("focusout", (event) => markOf(event) && hideSoon());
  root.addEventListener("click", (event) => {
    const mark = markOf(event);
    const entry = mark && document.getElementById(`reference-${mark.dataset.reference}`);
    if (!entry) return;
    event.preventDefault();
    hide();
    goToEntry(entry, mark);
  });
  card.addEventListener("pointerenter", () => clearTimeout(leaving));
  card.addEventListener("pointerleave", hideSoon);
  addEventListener("scroll", () => shown && hide(), { passive: true });
  addEventListener("keydown", (event) => event.key === "Escape" && hide());
}

// Below its chip, or above where there is no room, and always within the window.
function place(card, chipBox) {
  const room = 12;
  const { offsetWidth: width, offsetHeight: height } = card;
  const left = Math.min(Math.max(chipBox.left + chipBox.width / 2 - width / 2, room), innerWidth - width - room);
  const below = chipBox.bottom + 8;
  const fits = below + height + room <= innerHeight || chipBox.top < height + room;
  card.style.setProperty("--x", `${Math.round(left)}px`);
  card.style.setProperty("--y", `${Math.round(fits ? below : chipBox.top - height - 8)}px`);
}

function cardContent(reference) {
  const others = (first) => t("references.authors_more", { first });
  const where = [shortAuthors(reference, others), reference.container, reference.year].filter(Boolean).join(" · ");
  return [
    el("p", { class: "card-title", dir: "auto" }, el("b", {}, `[${reference.number}] `), reference.title ?? reference.text),
    where && el("p", { class: "card-where", dir: "auto" }, where),
    reference.problems.map((problem) => el("p", { class: "problem", dir: "auto" }, el("b", {}, t("references.problem"), ". "), problem)),
  ];
}

let cameFrom = null;

function goToEntry(entry, mark) {
  cameFrom = mark;
  const smooth = matchMedia("(prefers-reduced-motion: no-preference)").matches;
  entry.scrollIntoView({ block: "center", behavior: smooth ? "smooth" : "auto" });
  entry.focus({ preventScroll: true });
  entry.classList.remove("lit");
  requestAnimationFrame(() => entry.classList.add("lit"));
}

/** Go back to the chip that led to an entry; false where none did. */
export function goBackToText() {
  if (!cameFrom?.isConnected) return false;
  cameFrom.focus();
  return true;
}
