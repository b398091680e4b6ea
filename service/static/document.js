// One document whole: its canonical text with the passage marked, and its markers leading to the references.

import { chip } from "./chips.js";
import { CodePoints, cutAtSpans } from "./codepoints.js";
import { el, outside } from "./dom.js";
import { documentLink } from "./links.js";
import { referencePanel } from "./references.js";
import { fidelity } from "./reply.js";
import { date, t } from "./text.js";

/**
 * A document ready to be put on the page.
 *
 * `references` is the index's bibliography; `passageId` may name a passage to mark, `backLink` says where to go back to.
 */
export function renderDocument(detail, references, { passageId = null, backLink }) {
  const text = new CodePoints(detail.text);
  const at = detail.passages.findIndex((each) => each.passage_id === passageId);
  const passage = detail.passages[at] ?? null;
  const cited = new Set(detail.citations.flatMap((each) => each.references));
  if (detail.reference_number) cited.add(detail.reference_number);
  const headings = detail.blocks.filter((each) => each.kind === "heading" && each.level > 1);
  return el(
    "article",
    { class: "document", "aria-labelledby": "document-title" },
    el("p", { class: "crumbs" }, backLink),
    el(
      "header",
      { class: "document-head" },
      el("h1", { id: "document-title", tabindex: "-1", dir: "auto" }, detail.title),
      el(
        "div",
        { class: "passage-marks" },
        el("span", { class: "kind" }, detail.reference_number ? t("document.source", { n: detail.reference_number }) : t("document.article")),
        detail.reference_number && chip(detail.reference_number, references.find((each) => each.number === detail.reference_number)),
        fidelity(detail.fidelity),
      ),
      passageId && el("p", { class: passage ? "muted" : "problem" }, passage ? t("document.marked") : t("document.not_marked")),
    ),
    el(
      "div",
      { class: "columns" },
      el("div", { class: "main-column" }, passage && passageSteps(detail, at), body(detail, text, passage, references), ownList(detail), about(detail)),
      el(
        "div",
        { class: "side-column" },
        headings.length > 2 && contents(headings, text),
        referencePanel(references.filter((each) => cited.has(each.number))),
      ),
    ),
  );
}

function passageSteps(detail, at) {
  const step = (to, words) =>
    detail.passages[to] &&
    el("a", { href: documentLink(detail.doc_id, detail.passages[to].passage_id), data: { view: "" } }, words);
  return el(
    "nav",
    { class: "steps", "aria-label": t("document.passage_of", { at: at + 1, count: detail.passages.length }) },
    step(at - 1, t("document.previous")),
    el("span", { class: "muted" }, t("document.passage_of", { at: at + 1, count: detail.passages.length })),
    step(at + 1, t("document.next")),
  );
}

function contents(headings, text) {
  return el(
    "nav",
    { class: "contents", "aria-labelledby": "contents-heading" },
    el("h2", { id: "contents-heading" }, t("document.contents")),
    el(
      "ul",
      { role: "list" },
      headings.map((each) =>
        el("li", { class: `level-${Math.min(each.level, 4)}` }, el("a", { href: `#at-${each.start}`, data: { jump: "" }, dir: "auto" }, text.slice(each.start, each.end))),
      ),
    ),
  );
}

function body(detail, text, passage, references) {
  const spans = [
    ...detail.citations.map((citation) => ({ start: citation.start, end: citation.end, citation })),
    ...(passage ? [{ start: passage.start, end: passage.end, passage }] : []),
  ];
  const known = new Map(references.map((each) => [each.number, each]));
  const inline = (start, end) => pieces(text, start, end, spans, known);
  const made = el("div", { class: "document-text", dir: "auto" });
  let list = null;
  let rows = null;
  let page = null;
  for (const block of detail.blocks) {
    if (block.kind !== "list_item") list = null;
    if (block.kind !== "table_row") rows = null;
    if (block.page && block.page !== page) made.append(el("p", { class: "page-mark" }, t("document.page", { page: block.page })));
    page = block.page ?? page;
    if (block.kind === "heading") {
      if (block.level > 1) made.append(heading(block, inline));
    } else if (block.kind === "list_item") {
      if (!list) made.append((list = el("ul")));
      const item = el("li", { class: `depth-${Math.min(block.level, 3)}` }, inline(block.start, block.end));
      list.append(item);
    } else if (block.kind === "table_row") {
      if (!rows) {
        rows = el("tbody");
        made.append(el("div", { class: "scroll", tabindex: "0", role: "group" }, el("table", {}, rows)));
      }
      rows.append(el("tr", {}, el("td", {}, inline(block.start, block.end))));
    } else made.append(el("p", { class: block.kind === "reference" ? "reference-line" : null }, inline(block.start, block.end)));
  }
  // Markers of a passage are found by its first piece.
  made.querySelector("mark")?.setAttribute("id", "marked-passage");
  return made;
}

function heading(block, inline) {
  // The page's own title is the h1, so a document's levels may stay as they are.
  return el(`h${Math.min(Math.max(block.level, 2), 6)}`, { id: `at-${block.start}`, tabindex: "-1" }, inline(block.start, block.end));
}

function pieces(text, start, end, spans, known) {
  const cut = cutAtSpans(start, end, spans);
  const citationOf = (piece) => piece?.within.find((each) => each.citation)?.citation;
  return cut.map((piece, at) => {
    const citation = citationOf(piece);
    // A line must not begin with a chip: the space before one does not break.
    const words = text.slice(piece.start, piece.end).replace(/ $/, citationOf(cut[at + 1]) ? "\u00a0" : " ");
    const shown = citation ? marker(citation, words, known) : words;
    return piece.within.some((each) => each.passage) ? el("mark", {}, shown) : shown;
  });
}

/** A marker in the text: the index's numbers, and what the document prints where that differs. */
function marker(citation, words, known) {
  if (citation.references.length === 0) {
    return el("span", { class: "own-marker", title: t("document.own_marker", { printed: words }) }, words);
  }
  const marks = citation.references.map((n) => chip(n, known.get(n)));
  const same = citation.printed.length === citation.references.length && citation.printed.every((n, at) => n === citation.references[at]);
  if (same) return marks;
  const n = citation.references.join(", ");
  return [marks, el("span", { class: "own-marker", title: t("document.other_number", { printed: words, n }) }, words)];
}

function ownList(detail) {
  // Where the text ends with the list and its numbers are the index's, it would only stand there twice.
  const inText = detail.blocks.some((each) => each.kind === "reference");
  const own = detail.references.filter((each) => (each.reference === null ? !inText : each.reference !== each.number));
  return (
    own.length > 0 &&
    el(
      "section",
      { class: "own-list" },
      el("h2", {}, t("document.own_list")),
      el(
        "ul",
        { role: "list" },
        own.map((each) =>
          el("li", { dir: "auto" }, el("span", { class: "own-marker" }, `[${each.number}]`), " ", each.text, each.reference ? [" ", chip(each.reference, each)] : null),
        ),
      ),
    )
  );
}

function about(detail) {
  const rows = [
    detail.url && [t("document.original"), outside(detail.url, detail.url)],
    detail.licence && [t("document.licence"), detail.licence],
    detail.retrieved_at && [t("document.retrieved"), date(detail.retrieved_at)],
  ].filter(Boolean);
  return (
    rows.length + detail.omitted.length > 0 &&
    el(
      "section",
      { class: "about" },
      el("h2", {}, t("document.about")),
      el("dl", {}, rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", { dir: "auto" }, value)))),
      detail.omitted.length > 0 && omissions(detail.omitted),
    )
  );
}

function omissions(omitted) {
  const items = omitted.map((each) => el("li", { dir: "auto" }, `${each.text} `, el("span", { class: "muted" }, `(${each.reason})`)));
  return el("details", { class: "omitted" }, el("summary", {}, t("document.omitted", { n: omitted.length })), el("ul", {}, items));
}
