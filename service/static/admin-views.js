// What the admin page shows: plain functions from what the service says to elements.

import { el } from "./dom.js";
import { acceptDrops } from "./dropping.js";
import { documentLink } from "./links.js";
import { counted, date, t } from "./text.js";

/** The whole desk; `actions` is what its buttons do. */
export function desk(facts, actions) {
  return el(
    "div",
    { class: "desk" },
    el(
      "div",
      { class: "desk-head" },
      el("h2", { id: "desk-heading", tabindex: "-1" }, t("admin.index_heading")),
      el("button", { type: "button", id: "lock", on: { click: actions.lock } }, t("admin.lock")),
    ),
    indexSection(facts.index),
    uploadSection(actions),
    jobsSection(facts.jobs, actions),
    documentsSection(facts, actions),
    quarantineSection(facts),
    versionsSection(facts.versions, actions),
  );
}

function section(id, heading, ...content) {
  return el("section", { id: `${id}-section`, "aria-labelledby": `${id}-heading` }, el("h2", { id: `${id}-heading` }, heading), content);
}

function indexSection(index) {
  const rows = index
    ? [
        [t("admin.version"), el("code", {}, index.version)],
        [t("admin.built"), date(index.built_at)],
        [t("admin.holds"), t("admin.counts", index)],
        [t("admin.self_score"), selfScore(index.self_score)],
        [t("admin.model"), index.model.model],
      ]
    : [];
  return el(
    "section",
    { id: "index-section", class: "about", "aria-labelledby": "desk-heading" },
    index ? el("dl", {}, rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))) : el("p", { class: "muted" }, t("admin.index_none")),
  );
}

function selfScore(score) {
  if (!score || score.success_at_1 === null) return t("admin.self_score_none");
  return t("admin.self_score_value", { percent: counted(score.success_at_1), n: score.pairs });
}

function uploadSection(actions) {
  const file = el("input", { type: "file", id: "files", multiple: true, class: "visually-hidden" });
  file.addEventListener("change", () => {
    actions.upload([...file.files]);
    file.value = "";
  });
  const zone = el(
    "div",
    { class: "drop", id: "drop-zone" },
    el("p", {}, `${t("admin.drop")} `, el("label", { class: "file-label" }, file, t("admin.choose"))),
    el("p", { class: "muted" }, t("admin.formats")),
  );
  acceptDrops(zone, actions.upload);
  return section("upload", t("admin.upload_heading"), el("div", { class: "sheet" }, zone, details(), addressForm(actions)), el("ul", { id: "upload-log", class: "log", role: "list" }));
}

function details() {
  const kinds = ["full_text", "abstract", "digest"].map((each) => el("option", { value: each }, t(`fidelity.${each}`)));
  return el(
    "details",
    { class: "known" },
    el("summary", {}, t("admin.details")),
    el(
      "div",
      { class: "fields" },
      field("reference-number", t("admin.reference_number"), el("input", { type: "number", min: "1", inputmode: "numeric" }), t("admin.reference_note")),
      field("fidelity", t("admin.fidelity"), el("select", {}, kinds)),
      field("doc-id", t("admin.doc_id"), el("input", { pattern: "[a-z0-9]+(?:[\\-_.][a-z0-9]+)*", maxlength: "80", spellcheck: "false" }), t("admin.doc_id_note")),
    ),
  );
}

function field(id, label, input, note = null) {
  input.id = id;
  if (note) input.setAttribute("aria-describedby", `${id}-note`);
  return el("div", {}, el("label", { for: id }, label), input, note && el("p", { class: "muted", id: `${id}-note` }, note));
}

function addressForm(actions) {
  const input = el("input", { id: "address", required: true, placeholder: t("admin.address_placeholder"), spellcheck: "false" });
  const form = el(
    "form",
    { class: "address-form" },
    el("label", { for: "address" }, t("admin.address_label")),
    el("div", { class: "field-row" }, input, el("button", {}, t("admin.fetch"))),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    actions.fetch(input.value.trim());
    input.value = "";
  });
  return form;
}

function jobsSection(jobs, actions) {
  return section(
    "jobs",
    t("admin.jobs_heading"),
    el("div", { id: "jobs" }, jobList(jobs)),
    el("p", {}, el("button", { type: "button", id: "build", on: { click: actions.build } }, t("admin.build"))),
  );
}

/** The latest jobs, each with how far it is or what came of it. */
export function jobList(jobs) {
  if (jobs.length === 0) return el("p", { class: "muted" }, t("admin.jobs_none"));
  return el("ul", { class: "jobs", role: "list" }, jobs.slice(0, 12).map(jobItem));
}

function jobItem(job) {
  const name = job.name ?? job.target ?? job.doc_id ?? "";
  return el(
    "li",
    { class: `job ${job.state}`, data: { job: job.job_id } },
    el("div", { class: "job-line" }, el("span", { class: "job-name", dir: "auto" }, t(`admin.job_${job.kind}`, { name })), el("span", { class: `tag ${job.state}` }, t(`admin.state_${job.state}`))),
    job.progress && job.state === "running" && progress(job.progress),
    outcome(job).map((each) => el("p", { class: "muted", dir: "auto" }, each)),
    [job.error, ...job.warnings].filter(Boolean).map((each) => el("p", { class: "problem", dir: "auto" }, each)),
  );
}

function progress({ stage, done, total }) {
  const said = t("admin.progress", { stage, done, total });
  return [el("progress", { max: Math.max(total, 1), value: done, "aria-label": said }), el("p", { class: "muted" }, said)];
}

function outcome(job) {
  if (job.state !== "succeeded") return [];
  const said = job.outcome === "unchanged" ? [t("admin.job_unchanged")] : [];
  if (!job.build) return said;
  const { version, activated, reason } = job.build;
  return [...said, activated ? t("admin.job_serves", { version }) : t("admin.job_kept", { version, reason: reason ?? "" })];
}

function documentsSection({ documents, jobs }, actions) {
  const busy = new Set(jobs.filter((job) => ["queued", "running"].includes(job.state)).map((job) => job.doc_id));
  const heads = ["title", "text", "reference", "passages", "state", "actions"].map((each) => t(`admin.column_${each}`));
  const content =
    documents.length > 0
      ? table("documents-heading", heads, documents.map((each) => documentRow(each, busy.has(each.doc_id), actions)))
      : el("p", { class: "muted" }, t("admin.documents_none"));
  return section("documents", t("admin.documents_heading"), content);
}

function documentRow(listed, isBusy, actions) {
  const { title } = listed;
  const file = el("input", { type: "file", class: "visually-hidden", tabindex: "-1", "aria-label": t("admin.replace_label", { title }) });
  file.addEventListener("change", () => file.files[0] && actions.replace(listed, file.files[0]));
  const replace = el("button", { type: "button", class: "quiet", "aria-label": t("admin.replace_label", { title }), on: { click: () => file.click() } }, t("admin.replace"));
  const remove = el("button", { type: "button", class: "quiet danger", "aria-label": t("admin.delete_label", { title }), on: { click: () => actions.remove(listed) } }, t("admin.delete"));
  return el(
    "tr",
    { data: { doc: listed.doc_id } },
    el("th", { scope: "row", class: "text", dir: "auto" }, el("a", { href: documentLink(listed.doc_id) }, title)),
    el("td", { class: "short" }, t(`fidelity.${listed.fidelity}`)),
    el("td", { class: "short" }, listed.reference_number ? `[${listed.reference_number}]` : t("admin.article")),
    el("td", { class: "number" }, String(listed.passages)),
    el("td", { class: "short" }, el("span", { class: "tag" }, isBusy ? t("admin.waiting") : t("admin.serving"))),
    el("td", { class: "short" }, el("div", { class: "row-actions" }, replace, file, remove)),
  );
}

const NUMERIC = new Set([t("admin.column_passages"), t("admin.column_size")]);

/** On a narrow page each row stands alone: every cell then names its column. */
function table(labelledBy, heads, rows, caption = null) {
  for (const row of rows) [...row.cells].forEach((cell, at) => (cell.dataset.label = heads[at]));
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-labelledby": labelledBy },
    el("table", { class: "stacked" }, caption && el("caption", { class: "muted" }, caption), el("thead", {}, el("tr", {}, heads.map((each) => el("th", { scope: "col", class: NUMERIC.has(each) ? "number" : null }, each)))), el("tbody", {}, rows)),
  );
}

function quarantineSection({ index, jobs }) {
  const files = (index?.quarantined ?? []).map(({ path, reason }) => [path, reason]);
  const uploads = jobs.filter((job) => job.state === "quarantined").map((job) => [job.name ?? job.target ?? job.doc_id, job.error]);
  const rows = [...files, ...uploads].map(([path, reason]) =>
    el("tr", {}, el("th", { scope: "row", class: "text", dir: "auto" }, path ?? ""), el("td", { class: "text", dir: "auto" }, reason ?? "")),
  );
  if (rows.length === 0) return el("section", { id: "quarantine-section", hidden: true });
  return section(
    "quarantine",
    t("admin.quarantine_heading"),
    el("p", { class: "muted" }, t("admin.quarantine_note")),
    table("quarantine-heading", [t("admin.column_file"), t("admin.column_reason")], rows),
  );
}

function versionsSection(versions, actions) {
  const heads = ["version", "built", "size", "score", "state", "actions"].map((each) => t(`admin.column_${each}`));
  return section(
    "versions",
    t("admin.versions_heading"),
    versions.length > 0
      ? table("versions-heading", heads, versions.map((each) => versionRow(each, actions)), t("admin.versions_caption"))
      : el("p", { class: "muted" }, t("admin.versions_none")),
    el("div", { id: "diff", tabindex: "-1", "aria-live": "polite" }),
  );
}

function versionRow(stored, actions) {
  const { version } = stored;
  const buttons = stored.is_current
    ? null
    : el(
        "div",
        { class: "row-actions" },
        !stored.problem && el("button", { type: "button", class: "quiet", "aria-label": t("admin.rollback_label", { version }), on: { click: () => actions.rollBack(version) } }, t("admin.rollback")),
        el("button", { type: "button", class: "quiet", "aria-label": t("admin.compare_label", { version }), on: { click: () => actions.compare(version) } }, t("admin.compare")),
      );
  return el(
    "tr",
    { data: { version } },
    el("th", { scope: "row", class: "short" }, el("code", {}, version)),
    el("td", { class: "short" }, date(stored.built_at)),
    el("td", { class: "number" }, stored.documents === null ? "" : String(stored.documents)),
    el("td", {}, scoreCell(stored.self_score)),
    el("td", {}, stored.is_current && el("span", { class: "tag succeeded" }, t("admin.active")), stored.problem ?? stored.detail),
    el("td", { class: "short" }, buttons),
  );
}

function scoreCell(score) {
  if (!score || score.success_at_1 === null) return t("admin.self_score_none");
  const meter = el("span", { class: "meter", "aria-hidden": "true" });
  meter.style.setProperty("--share", String(score.success_at_1));
  return el("span", { class: "score-cell" }, meter, counted(score.success_at_1));
}

const CHANGES = ["documents_added", "documents_removed", "documents_changed", "references_added", "references_removed", "references_changed"];

/** What differs between two versions: documents and references by name, passages by their beginning. */
export function diffView(diff) {
  const named = CHANGES.filter((each) => diff[each].length > 0).map((each) => [
    el("h4", {}, t(`admin.diff_${each}`)),
    el("p", { dir: "auto" }, diff[each].join(", ")),
  ]);
  const passages = [
    ["added", diff.passages_added, diff.n_passages_added],
    ["removed", diff.passages_removed, diff.n_passages_removed],
  ]
    .filter(([, , n]) => n > 0)
    .map(([which, shown, n]) => [
      el("h4", {}, t(`admin.diff_passages_${which}`, { n })),
      el("ul", {}, shown.map((each) => el("li", { dir: "auto" }, el("code", {}, each.doc_id), " ", each.text))),
      n > shown.length && el("p", { class: "muted" }, t("admin.diff_more", { n: n - shown.length })),
    ]);
  return el(
    "section",
    { class: "sheet", "aria-labelledby": "diff-title" },
    el("h3", { id: "diff-title" }, t("admin.diff_heading", { from: diff.before, to: diff.after })),
    named.length + passages.length > 0 ? [named, passages] : el("p", {}, t("admin.diff_same")),
  );
}
