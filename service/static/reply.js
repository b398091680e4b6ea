// The reply to one question: notices first, then the answer or the refusal, then passages and references.

import { chips, markedSentence } from "./chips.js";
import { apa } from "./citing.js";
import { CodePoints, cutAtSpans } from "./codepoints.js";
import { copyButton, el, outside } from "./dom.js";
import { feedbackButtons } from "./feedback.js";
import { documentLink } from "./links.js";
import { referencePanel } from "./references.js";
import { date, decimals, number, percent, t } from "./text.js";

/** Everything that a reply says, ready to be put on the page. */
export function renderReply(reply) {
  const ranks = new Map(reply.passages.map((each) => [each.passage_id, each.rank]));
  return el(
    "div",
    { class: "columns" },
    el(
      "div",
      { class: "main-column" },
      reply.notices.map((each) => notice(each, reply)),
      reply.searched_as && searchedAs(reply.searched_as),
      reply.not_mentioned.length > 0 && notMentioned(reply.not_mentioned),
      reply.answerable ? answer(reply, ranks) : refusal(reply),
      passages(reply),
      footnote(reply),
    ),
    referencePanel(reply.references, (n) => passagesBehind(reply, n)),
  );
}

/** What a screen reader says when a reply is there; its notices are alerts and speak for themselves. */
export function spokenSummary(reply) {
  const sentences = reply.answer?.sentences.length ?? 0;
  return reply.answerable ? t("answer.said", { n: sentences }) : t("answer.said_refusal");
}

function notice(found, reply) {
  const passage = reply.passages.find((each) => each.passage_id === found.passage_id);
  const why = found.passage_id && passage && documentLink(passage.document.doc_id, passage.passage_id);
  return el(
    "section",
    { class: "notice", role: "alert" },
    el("h2", {}, t("notice.heading")),
    el("p", { dir: "auto" }, found.text),
    why
      ? el("p", {}, el("a", { href: why, data: { view: "" } }, t("notice.why_in", { title: passage.document.title })))
      : found.passage_id && el("p", {}, whyButton(found.passage_id)),
  );
}

// The passage may not be among those returned; then its document is not known yet.
function whyButton(passageId) {
  return el("a", { href: `./?${new URLSearchParams({ passage: passageId })}`, data: { view: "" } }, t("notice.why"));
}

function searchedAs(words) {
  return el("p", { class: "searched" }, t("answer.searched_as"), " ", el("q", { dir: "auto" }, words));
}

function notMentioned(words) {
  const quoted = words.flatMap((each, at) => [at > 0 && ", ", el("q", { dir: "auto" }, each)]);
  return el("p", { class: "not-mentioned" }, t("answer.not_mentioned"), " ", quoted, ". ", t("answer.not_mentioned_note"));
}

function answer(reply, ranks) {
  if (!reply.answer) return el("p", { class: "muted" }, t("answer.none_asked"));
  const kind = reply.answer.kind === "generated" ? t("answer.generated") : t("answer.verbatim");
  return el(
    "section",
    { class: "answer", "aria-labelledby": "answer-heading" },
    el("header", { class: "answer-head" }, el("h2", { id: "answer-heading" }, t("answer.heading")), el("p", { class: "muted" }, kind)),
    el("div", { class: "answer-text" }, groups(reply.answer.sentences).map((group) => quoted(group, reply, ranks))),
    confidence(reply),
    actions(reply),
  );
}

/** Sentences of one passage that follow each other belong together. */
function groups(sentences) {
  const grouped = [];
  for (const sentence of sentences) {
    const last = grouped.at(-1);
    if (last && last[0].passage_id === sentence.passage_id) last.push(sentence);
    else grouped.push([sentence]);
  }
  return grouped;
}

function quoted(group, reply, ranks) {
  const passage = reply.passages.find((each) => each.passage_id === group[0].passage_id);
  return el(
    "figure",
    { class: "quote" },
    el("blockquote", { dir: "auto" }, group.map((sentence) => [sentenceNode(sentence, reply), " "])),
    passage &&
      el(
        "figcaption",
        {},
        `${t("answer.from")} `,
        el("cite", { dir: "auto" }, passage.document.title),
        ", ",
        el("a", { href: `#passage-${passage.rank}`, data: { jump: "" } }, t("answer.passage_link", { rank: ranks.get(passage.passage_id) })),
      ),
  );
}

function sentenceNode(sentence, reply) {
  const uncited = sentence.references.length === 0;
  const node = el("span", { class: "sentence" }, markedSentence(sentence.text, sentence.references, reply.references));
  if (uncited) node.append(el("span", { class: "uncited", title: t("answer.uncited_note") }, t("answer.uncited")));
  return node;
}

function confidence(reply) {
  const meter = el("span", { class: "meter", "aria-hidden": "true" });
  meter.style.setProperty("--share", String(reply.confidence));
  const about = reply.not_mentioned.length > 0 ? "answer.confidence_rest" : "answer.confidence";
  return el(
    "details",
    { class: "confidence" },
    el("summary", {}, meter, el("span", {}, t(about, { percent: percent(reply.confidence) }))),
    el("p", {}, t("answer.confidence_note")),
  );
}

function actions(reply) {
  const said = { copied: t("answer.copied"), failed: t("answer.copy_failed") };
  return el(
    "div",
    { class: "actions" },
    copyButton(t("answer.copy_link"), () => location.href, said),
    copyButton(t("answer.copy_answer"), () => plainAnswer(reply), said),
    feedbackButtons(reply),
  );
}

/** The answer as plain text, its references below. */
function plainAnswer(reply) {
  const cited = (numbers) => numbers.map((n) => `[${n}]`).join("");
  const sentences = reply.answer.sentences.map((each) => {
    // A printed marker is the document's own number; the index's stands at the end.
    const bare = each.text.replace(/\s?\[\d+(?:\s*[,–-]\s*\d+)*\]/g, "");
    return `${bare} ${cited(each.references)}`.trim();
  });
  const used = new Set(reply.answer.sentences.flatMap((each) => each.references));
  const list = reply.references.filter((each) => used.has(each.number)).map((each) => `[${each.number}] ${apa(each)}`);
  return [reply.question, "", ...sentences, "", ...list, "", reply.disclaimer].join("\n");
}

function refusal(reply) {
  return el(
    "section",
    { class: "refusal", "aria-labelledby": "refusal-heading" },
    el("h2", { id: "refusal-heading" }, t("refusal.heading")),
    el("p", {}, t("refusal.text", { percent: percent(reply.confidence) })),
    el("p", {}, t("refusal.hint")),
    el("div", { class: "actions" }, feedbackButtons(reply)),
  );
}

function passages(reply) {
  const [heading, note] = reply.answerable
    ? [t("passages.heading"), t("passages.note")]
    : [t("refusal.nearest"), t("refusal.nearest_note")];
  return el(
    "section",
    { class: reply.answerable ? "passages" : "passages apart", "aria-labelledby": "passages-heading" },
    el("h2", { id: "passages-heading" }, heading),
    reply.passages.length > 0 ? el("p", { class: "muted" }, note) : el("p", { class: "muted" }, t("passages.none")),
    el("ol", { class: "passage-list", role: "list" }, reply.passages.map((each) => passageItem(each, reply))),
  );
}

function passageItem(passage, reply) {
  const { document } = passage;
  return el(
    "li",
    {},
    el(
      "article",
      { class: "passage", id: `passage-${passage.rank}`, tabindex: "-1", "aria-labelledby": `passage-title-${passage.rank}` },
      el(
        "header",
        {},
        el(
          "h3",
          { id: `passage-title-${passage.rank}` },
          el("span", { class: "rank" }, t("passages.number", { rank: passage.rank }), el("span", { class: "visually-hidden" }, ": ")),
          el("span", { dir: "auto" }, document.title),
        ),
        trail(passage),
      ),
      el("div", { class: "passage-text", dir: "auto" }, highlighted(passage, reply.answerable)),
      el("div", { class: "passage-marks" }, behind(passage, reply), fidelity(document.fidelity)),
      passageLinks(passage),
    ),
  );
}

function trail(passage) {
  const steps = [...passage.section, passage.page && t("passages.page", { page: passage.page })].filter(Boolean);
  return steps.length > 0 && el("p", { class: "trail", dir: "auto" }, steps.join(" › "));
}

/** One paragraph for each line, more apart where a blank line parts them. */
function highlighted(passage, withMarks) {
  const text = new CodePoints(passage.text);
  const marks = withMarks ? passage.highlights : [];
  const paragraphs = [];
  let start = 0;
  let apart = false;
  for (const line of passage.text.split("\n")) {
    const end = start + new CodePoints(line).length;
    if (line.trim()) paragraphs.push(el("p", { class: apart ? "apart" : null }, markedPieces(text, start, end, marks)));
    apart = !line.trim();
    start = end + 1;
  }
  return paragraphs;
}

function markedPieces(text, start, end, marks) {
  return cutAtSpans(start, end, marks).map((piece) => {
    const words = text.slice(piece.start, piece.end);
    return piece.within.length > 0 ? el("mark", {}, words) : words;
  });
}

function behind(passage, reply) {
  const marks = chips(passage.references, reply.references);
  return (
    marks.length > 0 && el("p", { class: "behind" }, el("span", { class: "visually-hidden" }, `${t("passages.behind")}: `), marks)
  );
}

/** What kind of text it is, with what that means on demand. */
export function fidelity(kind) {
  return el("details", { class: `fidelity ${kind}` }, el("summary", {}, t(`fidelity.${kind}`)), el("p", {}, t(`fidelity.${kind}_note`)));
}

function passageLinks(passage) {
  const { document } = passage;
  const words = passage.url?.includes("#:~:text=") ? t("passages.place_in_source") : t("passages.in_source");
  return el(
    "p",
    { class: "passage-links" },
    el(
      "a",
      { href: documentLink(document.doc_id, passage.passage_id), data: { view: "" }, "aria-describedby": `passage-title-${passage.rank}` },
      t("passages.in_document"),
    ),
    passage.url && outside(passage.url, [words, el("span", { class: "visually-hidden" }, ` (${t("passages.new_tab")})`)], { class: "outside" }),
    el("span", { class: "score", title: t("passages.scores_note", { dense: number(passage.scores.dense), lexical: number(passage.scores.lexical) }) },
      t("passages.scores", { score: decimals(passage.score, 2) })),
  );
}

function passagesBehind(reply, n) {
  return reply.passages
    .filter((each) => each.references.includes(n))
    .flatMap((each, at) => [
      at > 0 && ", ",
      el("a", { href: `#passage-${each.rank}`, data: { jump: "" } }, t("answer.passage_link", { rank: each.rank })),
    ]);
}

function footnote(reply) {
  return el(
    "footer",
    { class: "footnote" },
    el("p", { class: "disclaimer", dir: "auto" }, reply.disclaimer),
    el("p", { class: "muted" }, t("answer.version", { version: reply.index.version, date: date(reply.index.built_at) }), " · ", t("answer.took", { ms: decimals(reply.took_ms, 1) })),
  );
}
