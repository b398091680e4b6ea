// Reading a question set that somebody pastes: JSON Lines, CSV or one question a line. Plain functions.

export const MAX_CHARS = 2_000;

/**
 * Read a question set.
 *
 * Returns { form, questions: [{ id, question }], faults: [{ line, reason, id }] }; a faulty line is left out and told.
 */
export function readQuestions(text) {
  const clean = text.replace(/^\uFEFF/, "");
  const first = clean.split(/\r\n|\n|\r/).find((line) => line.trim()) ?? "";
  if (first.trim().startsWith("{")) return collect("jsonl", fromJsonLines(clean));
  const header = parseCsv(first)[0]?.cells.map(normalized) ?? [];
  if (header.length > 1 || header[0] === "question") {
    const at = header.indexOf("question");
    if (at >= 0) return collect("csv", fromCsv(clean, at, header.indexOf("id")));
    if (header.includes("id")) return { form: "csv", questions: [], faults: [{ line: 1, reason: "column" }] };
  }
  return collect("lines", fromLines(clean));
}

const normalized = (cell) => cell.trim().toLowerCase();

function fromLines(text) {
  return text.split(/\r\n|\n|\r/).map((line, at) => ({ line: at + 1, question: line }));
}

function fromJsonLines(text) {
  return fromLines(text).map(({ line, question: source }) => {
    if (!source.trim()) return { line, question: "" };
    try {
      const { id, question, query, text: words } = JSON.parse(source);
      const asked = question ?? query ?? words;
      return typeof asked === "string" ? { line, id, question: asked, isEmptyFault: true } : { line, reason: "json" };
    } catch {
      return { line, reason: "json" };
    }
  });
}

function fromCsv(text, questionAt, idAt) {
  return parseCsv(text)
    .filter(({ cells }) => cells.some((cell) => cell.trim()))
    .slice(1)
    .map(({ line, cells }) => ({ line, id: idAt >= 0 ? cells[idAt] : undefined, question: cells[questionAt] ?? "", isEmptyFault: true }));
}

function collect(form, rows) {
  const questions = [];
  const faults = [];
  const used = new Set();
  for (const row of rows) {
    const question = row.question?.trim();
    if (row.reason) faults.push({ line: row.line, reason: row.reason });
    else if (!question) {
      if (row.isEmptyFault) faults.push({ line: row.line, reason: "empty" });
    } else if ([...question].length > MAX_CHARS) faults.push({ line: row.line, reason: "long" });
    else {
      const given = row.id === undefined || row.id === null ? "" : String(row.id).trim();
      const id = given || freeId(questions.length + 1, used);
      if (used.has(id)) faults.push({ line: row.line, reason: "repeated", id });
      else {
        used.add(id);
        questions.push({ id, question });
      }
    }
  }
  return { form, questions, faults };
}

function freeId(n, used) {
  let at = n;
  while (used.has(`q${at}`)) at += 1;
  return `q${at}`;
}

/** Rows of a CSV text (RFC 4180; also with semicolons or tabs), each { line, cells }. */
export function parseCsv(text) {
  const comma = separatorOf(text);
  const rows = [];
  let cells = [];
  let cell = "";
  let quoted = false;
  let line = 1;
  let began = 1;
  const endCell = () => {
    cells.push(cell);
    cell = "";
  };
  const endRow = () => {
    endCell();
    rows.push({ line: began, cells });
    cells = [];
    began = line + 1;
  };
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (quoted) {
      if (character === '"' && text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else if (character === '"') quoted = false;
      else cell += character;
    } else if (character === '"' && cell.trim() === "") {
      quoted = true;
      cell = "";
    } else if (character === comma) endCell();
    else if (character === "\n") endRow();
    else if (character !== "\r") cell += character;
    if (character === "\n") line += 1;
  }
  if (cell || cells.length > 0) endRow();
  return rows;
}

function separatorOf(text) {
  const head = text.split(/\r?\n/, 1)[0];
  const count = (mark) => head.split(mark).length;
  return [",", ";", "\t"].reduce((best, mark) => (count(mark) > count(best) ? mark : best));
}

/** One row of CSV; what a spreadsheet would take for a formula begins with an apostrophe. */
export function csvRow(cells) {
  return cells
    .map((value) => {
      const text = String(value ?? "");
      const harmless = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
      return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
    })
    .join(",");
}
