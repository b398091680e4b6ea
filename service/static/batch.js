// The batch page: a question set in, a table of replies out, as they come.

import { ask, json, lines, Refused, request, sending } from "./api.js";
import { chip, installCards } from "./chips.js";
import { announce, byId, el, fill } from "./dom.js";
import { acceptDrops } from "./dropping.js";
import { questionLink } from "./links.js";
import { csvRow, readQuestions } from "./questions.js";
import { decimals, number, percent, t } from "./text.js";

const MAX_QUESTIONS = 2_000;
const AT_ONCE = 100; // questions in one request
const READ_AFTER_MS = 200;

const source = byId("source");
const found = byId("found");
const start = byId("start");
const stop = byId("stop");
const bar = byId("progress");
const said = byId("progress-words");
const results = byId("results");

let set = { form: "lines", questions: [], faults: [] };
let rows = [];
let order = { column: null, descending: false };
let running = null;

// Reading the set

function read() {
  set = readQuestions(source.value);
  const dropped = set.questions.length > MAX_QUESTIONS;
  if (dropped) set.questions.length = MAX_QUESTIONS;
  start.disabled = set.questions.length === 0 || running !== null;
  if (!source.value.trim()) return fill(found);
  return fill(
    found,
    el("p", {}, t("batch.found", { n: set.questions.length, form: t(`batch.form_${set.form}`) }), dropped && ` ${t("batch.too_many", { n: MAX_QUESTIONS })}`),
    set.faults.length > 0 && el("div", { class: "problem" }, el("p", {}, t("batch.faults", { n: set.faults.length })), el("ul", {}, set.faults.slice(0, 10).map((each) => el("li", {}, faultWords(each))))),
  );
}

function faultWords({ line, reason, id }) {
  return t("batch.fault_line", { line, reason: t(`batch.fault_${reason}`, { id }) });
}

async function readFiles(files, folders = []) {
  // Two sets may use the same ids, so one is read at a time.
  if (files.length !== 1 || folders.length > 0) return refuse(t("batch.one_file"));
  try {
    source.value = await files[0].text();
  } catch {
    return refuse(t("batch.unreadable", { name: files[0].name }));
  }
  return read();
}

function refuse(words) {
  fill(found, el("p", { class: "problem" }, words));
}

// Asking

async function* answers(questions, signal) {
  for (let at = 0; at < questions.length; at += AT_ONCE) {
    yield* answersTo(questions.slice(at, at + AT_ONCE), signal);
  }
}

async function* answersTo(questions, signal) {
  try {
    const body = { questions, top_k: topK() };
    const response = await request("v1/ask/batch", sending(body, { signal, headers: { Accept: "application/x-ndjson" } }));
    for await (const line of lines(response)) if (line.trim()) yield JSON.parse(line);
  } catch (error) {
    // A service that takes no batches takes single questions.
    if (!(error instanceof Refused) || ![404, 405].includes(error.status)) throw error;
    for (const each of questions) yield await single(each, signal);
  }
}

async function single({ id, question }, signal) {
  try {
    return { id, ...(await ask(question, { topK: topK(), signal })) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { id, problem: { status: error.status, detail: error.detail } };
  }
}

function topK() {
  return Number(byId("top-k").value);
}

async function run() {
  if (set.questions.length === 0) return announce(t("batch.none"));
  const { questions } = set;
  const asked = new Map(questions.map((each) => [each.id, each.question]));
  const began = performance.now();
  running = new AbortController();
  rows = [];
  order = { column: null, descending: false };
  working(true);
  const table = showTable();
  try {
    for await (const reply of answers(questions, running.signal)) {
      rows.push({ id: reply.id, question: asked.get(reply.id) ?? "", reply });
      table.append(rowNode(rows.at(-1)));
      showProgress(rows.length, questions.length, (performance.now() - began) / 1000);
    }
    finish(summary((performance.now() - began) / 1000));
  } catch (error) {
    const stopped = running.signal.aborted;
    if (rows.length === 0) fill(results);
    finish(stopped ? t("batch.stopped", { done: rows.length, total: questions.length }) : (error.detail ?? t("batch.unreachable")), !stopped);
  }
  return undefined;
}

function working(isWorking) {
  start.disabled = isWorking;
  stop.hidden = !isWorking;
  byId("progress-box").hidden = false;
  bar.hidden = !isWorking;
  said.classList.remove("problem");
  bar.value = 0;
}

function showProgress(done, total, seconds) {
  bar.max = total;
  bar.value = done;
  const rate = done / Math.max(seconds, 0.001);
  said.textContent = `${t("batch.progress", { done, total })} · ${t("batch.rate", { rate: number(rate), left: Math.ceil((total - done) / rate) })}`;
}

function finish(words, failed = false) {
  running = null;
  working(false);
  said.textContent = words;
  said.classList.toggle("problem", failed);
  announce(words);
  byId("downloads").hidden = rows.length === 0;
}

function summary(seconds) {
  const failed = rows.filter((each) => each.reply.problem).length;
  const answered = rows.filter((each) => each.reply.answerable).length;
  return t("batch.finished", { n: rows.length, seconds: number(seconds), answered, refused: rows.length - failed - answered, failed });
}

// The table

const COLUMNS = [
  ["id", (row) => row.id],
  ["question", (row) => row.question],
  ["state", (row) => state(row.reply)],
  ["confidence", (row) => row.reply.confidence ?? -1],
  ["references", (row) => numbers(row.reply).join(" ")],
  ["answer", (row) => answerText(row.reply)],
  ["ms", (row) => row.reply.took_ms ?? -1],
];

const NUMERIC = new Set(["confidence", "ms"]);

function state(reply) {
  return t(reply.problem ? "batch.failed" : reply.answerable ? "batch.yes" : "batch.no");
}

/** Of an answer its sentences' numbers; of a refusal none. */
function numbers(reply) {
  return [...new Set(reply.answer?.sentences.flatMap((each) => each.references) ?? [])].sort((a, b) => a - b);
}

function answerText(reply) {
  return reply.problem?.detail ?? reply.answer?.text ?? reply.passages?.[0]?.text ?? "";
}

function showTable() {
  const body = el("tbody");
  const head = COLUMNS.map(([name, value]) => {
    const column = t(`batch.column_${name}`);
    const button = el("button", { type: "button", class: "sort", "aria-label": t("batch.sort", { column }), on: { click: () => sortBy(name, value) } }, column);
    return el("th", { scope: "col", class: NUMERIC.has(name) ? "number" : null, data: { column: name } }, button);
  });
  const table = el("table", { class: "stacked" }, el("thead", {}, el("tr", {}, head)), body);
  fill(results, el("h2", { id: "results-heading" }, t("batch.results")), el("div", { class: "scroll", tabindex: "0", role: "group", "aria-labelledby": "results-heading" }, table));
  return body;
}

function sortBy(name, value) {
  order = { column: name, descending: order.column === name && !order.descending };
  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true }));
  rows.sort((a, b) => compare(value(a), value(b)) * (order.descending ? -1 : 1));
  results.querySelector("tbody").replaceChildren(...rows.map(rowNode));
  for (const head of results.querySelectorAll("th")) {
    if (head.dataset.column === name) head.setAttribute("aria-sort", order.descending ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
}

function rowNode(row) {
  const { reply } = row;
  const refused = !reply.problem && !reply.answerable;
  const node = el(
    "tr",
    { class: reply.problem ? "failed" : refused ? "refused" : null },
    el("td", { class: "short" }, row.id),
    el("td", { class: "text", dir: "auto" }, el("a", { href: questionLink(row.question) }, row.question)),
    el("td", { class: "short" }, state(reply), reply.notices?.length > 0 && el("span", { class: "tag alarm" }, t("batch.urgent"))),
    el("td", { class: "number" }, reply.confidence === undefined ? "" : percent(reply.confidence)),
    el("td", { class: "short" }, numbers(reply).map((n) => chip(n, reply.references.find((each) => each.number === n)))),
    el("td", { class: "text", dir: "auto" }, refused && el("span", { class: "muted" }, `${t("batch.not_an_answer")} `), answerText(reply)),
    el("td", { class: "number" }, reply.took_ms === undefined ? "" : decimals(reply.took_ms, 1)),
  );
  COLUMNS.forEach(([name], at) => (node.cells[at].dataset.label = t(`batch.column_${name}`)));
  return node;
}

// Taking it away

function download(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function asCsv() {
  const head = ["id", "question", "answered", "confidence", "references", "answer", "nearest_passage", "notices", "problem", "took_ms"];
  const body = rows.map(({ id, question, reply }) => [
    id,
    question,
    reply.problem ? "" : reply.answerable,
    reply.confidence,
    numbers(reply).join(" "),
    reply.answer?.text,
    reply.passages?.[0]?.text,
    reply.notices?.map((each) => each.text).join(" "),
    reply.problem?.detail,
    reply.took_ms,
  ]);
  return [head, ...body].map(csvRow).join("\r\n") + "\r\n";
}

/** An example is made of the questions that these documents are known to be asked; without any there is none. */
async function offerExample() {
  const { questions } = await json("suggestions.json").catch(() => ({ questions: [] }));
  const button = byId("example");
  button.hidden = questions.length === 0;
  button.addEventListener("click", () => {
    source.value = questions.map((question, at) => `${JSON.stringify({ id: `q${at + 1}`, question })}\n`).join("");
    read();
    source.focus();
  });
}

let reading = 0;
source.addEventListener("input", () => {
  clearTimeout(reading);
  reading = setTimeout(read, READ_AFTER_MS);
});
byId("clear").addEventListener("click", () => {
  source.value = "";
  read();
  source.focus();
});
byId("file").addEventListener("change", (event) => event.target.files[0] && readFiles([...event.target.files]));
start.addEventListener("click", run);
stop.addEventListener("click", () => running?.abort());
byId("download-jsonl").addEventListener("click", () =>
  download("results.jsonl", "application/x-ndjson", rows.map(({ question, reply }) => `${JSON.stringify({ question, ...reply })}\n`).join("")),
);
byId("download-csv").addEventListener("click", () => download("results.csv", "text/csv", asCsv()));

acceptDrops(byId("drop-zone"), readFiles);
offerExample();
installCards(results, (n) => rows.flatMap((row) => row.reply.references ?? []).find((each) => each.number === n));
read();
