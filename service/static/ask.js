// The page at /: which view an address shows, and the way from a question to its reply.

import { ask, json, Refused, Unreachable, Unreadable } from "./api.js";
import { installCards } from "./chips.js";
import { announce, byId, el, fill } from "./dom.js";
import { renderDocument } from "./document.js";
import { earlierQuestions, forgetAll, remember } from "./history.js";
import { documentLink, interceptLinks, questionLink } from "./links.js";
import { renderReply, spokenSummary } from "./reply.js";
import { t } from "./text.js";

/** Most replies are there sooner; bars that flash up for a moment only cost the eye and the machine. */
const WAITING_MS = 150;
const SLOW_MS = 4_000;
const REPLIES_KEPT = 20;

const form = byId("ask-form");
const box = byId("question");
const view = byId("view");

/** Replies of this visit by question, so that going back shows at once what was there. */
const replies = new Map();
let references = [];
let lastQuestionLink = null;
let inFlight = null;

function go(url) {
  history.pushState(null, "", url);
  show();
}

/** Show what the address names. */
async function show() {
  inFlight?.abort();
  const parameters = new URLSearchParams(location.search);
  const [question, docId, passageId] = ["q", "doc", "passage"].map((name) => parameters.get(name));
  document.body.dataset.view = docId || passageId ? "document" : question ? "reply" : "start";
  if (docId) return showDocument(docId, passageId);
  if (passageId) return showPassage(passageId);
  box.value = question ?? "";
  return question?.trim() ? showReply(question.trim()) : showStart();
}

async function showStart() {
  document.title = byId("title").textContent;
  lastQuestionLink = null;
  view.removeAttribute("aria-busy");
  const column = el("div", { class: "start-column" }, recent(), el("div", { id: "suggested", hidden: true }));
  fill(view, el("div", { class: "start" }, column, el("div", { id: "documents" })));
  // Neither is needed to ask; where one fails the box stands alone.
  const quietly = (loading) => loading.catch(() => null);
  const [suggested, listed] = await Promise.all([quietly(json("suggestions.json")), quietly(json("v1/documents"))]);
  if (byId("suggested") && suggested?.questions.length > 0) {
    fill(byId("suggested"), questionList(t("ask.suggested"), suggested.questions)).hidden = false;
  }
  if (byId("documents") && listed?.documents.length > 0) fill(byId("documents"), documentList(listed.documents));
}

function questionList(heading, questions) {
  const links = questions.map((each) => el("li", {}, el("a", { href: questionLink(each), data: { view: "" }, dir: "auto" }, each)));
  return el("section", { class: "start-list" }, el("h2", {}, heading), el("ul", { class: "questions", role: "list" }, links));
}

function recent() {
  const questions = earlierQuestions();
  if (questions.length === 0) return null;
  const section = questionList(t("ask.recent"), questions.slice(0, 5));
  const forget = () => {
    forgetAll();
    section.remove();
    announce(t("ask.forgotten"));
    box.focus();
  };
  section.append(el("p", { class: "muted" }, t("ask.recent_note"), " ", el("button", { type: "button", class: "quiet", on: { click: forget } }, t("ask.forget"))));
  return section;
}

function documentList(documents) {
  const items = documents.map((each) =>
    el(
      "li",
      {},
      each.reference_number ? el("span", { class: "reference-number", "aria-hidden": "true" }, String(each.reference_number)) : el("span", { class: "reference-number article", "aria-hidden": "true" }, "¶"),
      el(
        "span",
        {},
        el("a", { href: documentLink(each.doc_id), data: { view: "" }, dir: "auto" }, each.title),
        el("span", { class: "muted" }, each.reference_number ? t("document.source", { n: each.reference_number }) : t("document.article"), ` · ${t(`fidelity.${each.fidelity}`)}`),
      ),
    ),
  );
  return el("section", { class: "start-list" }, el("h2", {}, t("ask.browse")), el("ul", { class: "document-list", role: "list" }, items));
}

async function showReply(question) {
  document.title = t("ask.title_asked", { question });
  lastQuestionLink = questionLink(question);
  const kept = replies.get(question);
  if (kept) return showAnswered(kept, { aloud: false });
  const waiting = new AbortController();
  inFlight = waiting;
  const answered = showWaiting(waiting);
  try {
    const reply = await ask(question, { signal: waiting.signal });
    keep(question, reply);
    showAnswered(reply, { aloud: true });
    remember(question);
  } catch (error) {
    if (waiting.signal.aborted) return undefined;
    showError(error, () => showReply(question));
  } finally {
    answered();
  }
  return undefined;
}

function keep(question, reply) {
  replies.set(question, reply);
  if (replies.size > REPLIES_KEPT) replies.delete(replies.keys().next().value);
}

/** Show in a moment that something is on its way, and later that it takes long; return what ends that. */
function showWaiting(waiting) {
  view.setAttribute("aria-busy", "true");
  fill(view);
  const words = el("span", {});
  const say = (name) => {
    words.textContent = t(name);
    announce(t(name));
  };
  const show = () => {
    fill(view, waitingView(words, waiting));
    say("ask.working");
  };
  const timers = [setTimeout(show, WAITING_MS), setTimeout(say, SLOW_MS, "ask.slow")];
  return () => timers.forEach(clearTimeout);
}

function waitingView(words, waiting) {
  const stop = () => {
    waiting.abort();
    view.removeAttribute("aria-busy");
    fill(view, el("p", { class: "muted" }, t("ask.cancelled")));
    announce(t("ask.cancelled"));
    box.focus();
  };
  const button = el("button", { type: "button", class: "quiet", on: { click: stop } }, t("ask.cancel"));
  const bars = [90, 100, 60].map((width) => {
    const bar = el("span", { class: "bar" });
    bar.style.setProperty("--width", `${width}%`);
    return bar;
  });
  return el("div", { class: "waiting" }, el("div", { class: "bars", "aria-hidden": "true" }, bars), el("p", {}, words, button));
}

function showAnswered(reply, { aloud }) {
  references = reply.references;
  view.removeAttribute("aria-busy");
  fill(view, renderReply(reply));
  if (aloud) announce(spokenSummary(reply));
}

/** Say what went wrong, with a way on: to try again, or away from an address that names nothing. */
function showError(error, again) {
  view.removeAttribute("aria-busy");
  const offline = error instanceof Unreachable && !navigator.onLine;
  const words = offline
    ? t("errors.offline")
    : error instanceof Unreachable
      ? t("errors.unreachable")
      : error instanceof Refused
        ? error.detail
        : t("errors.unreadable");
  const isGone = error instanceof Refused && error.status === 404;
  const way = isGone
    ? el("a", { class: "button", href: lastQuestionLink ?? "./", data: { view: "" } }, t(lastQuestionLink ? "document.back" : "document.back_home"))
    : el("button", { type: "button", on: { click: again } }, t("errors.retry"));
  const heading = t(offline ? "errors.offline_heading" : "errors.heading");
  // Without the box on the page nothing else is its heading.
  const level = document.body.dataset.view === "document" ? "h1" : "h2";
  fill(
    view,
    el(
      "section",
      { class: "failure", role: "alert" },
      el(level, {}, heading),
      el("p", { dir: "auto" }, words),
      error.retryAfter && el("p", { class: "muted" }, t("errors.retry_in", { n: error.retryAfter })),
      way,
    ),
  );
  if (!(error instanceof Refused || error instanceof Unreachable || error instanceof Unreadable)) console.error(error);
}

async function showPassage(passageId) {
  try {
    const passage = await json(`v1/passages/${encodeURIComponent(passageId)}`);
    history.replaceState(null, "", documentLink(passage.doc_id, passageId));
    await show();
  } catch (error) {
    showError(error, show);
  }
}

async function showDocument(docId, passageId) {
  const waiting = new AbortController();
  inFlight = waiting;
  view.setAttribute("aria-busy", "true");
  if (!view.querySelector(".document")) fill(view, el("p", { class: "muted" }, t("document.loading")));
  try {
    const [detail, bibliography] = await Promise.all([
      json(`v1/documents/${encodeURIComponent(docId)}`, { signal: waiting.signal }),
      json("v1/references", { signal: waiting.signal }),
    ]);
    references = bibliography.references;
    const back = lastQuestionLink ?? "./";
    const backLink = el("a", { href: back, data: { view: "" } }, lastQuestionLink ? t("document.back") : t("document.back_home"));
    fill(view, renderDocument(detail, references, { passageId, backLink }));
    document.title = t("document.title", { title: detail.title });
    view.removeAttribute("aria-busy");
    const marked = byId("marked-passage");
    (marked ?? document.body).scrollIntoView({ block: marked ? "center" : "start" });
    byId("document-title").focus({ preventScroll: true });
  } catch (error) {
    if (waiting.signal.aborted) return;
    showError(error, show);
  }
}

function submit(event) {
  event?.preventDefault();
  const question = box.value.trim();
  if (!question) {
    announce(t("ask.empty"));
    box.focus();
    return;
  }
  // The same question again asks again: a newer version may know more.
  replies.delete(question);
  const url = new URL(questionLink(question), document.baseURI);
  if (url.href === location.href) show();
  else go(url);
}

function jump(event) {
  const link = event.target.closest?.("a[data-jump]");
  const target = link && document.getElementById(link.hash.slice(1));
  if (!target) return;
  event.preventDefault();
  target.scrollIntoView({ block: "start" });
  target.focus({ preventScroll: true });
}

form.addEventListener("submit", submit);
box.addEventListener("keydown", (event) => {
  // Shift makes a new line; an input method's Enter chooses a word.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
});
view.addEventListener("click", jump);
interceptLinks(document, go);
installCards(view, (n) => references.find((each) => each.number === n));
addEventListener("popstate", show);
show();
