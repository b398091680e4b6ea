// The admin page: the key, what there is, what is being done, and the ways to change it.

import { events, json, Refused, request, sending, Unreachable } from "./api.js";
import { desk, diffView, jobList } from "./admin-views.js";
import { announce, byId, el, fill } from "./dom.js";
import { isolated, t } from "./text.js";

const RETRY_MS = 1_000;
const SWAP_LOOKS = 40;
const SWAP_LOOK_MS = 250;

// In this variable and nowhere else: not in storage, not in a cookie, not in the address.
let key = null;
let watching = null;
let facts = null;

const call = (path, options = {}) => json(path, { ...options, key });

// Key

byId("key-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  key = byId("key").value.trim();
  fill(byId("key-refused"));
  try {
    await call("v1/jobs?limit=1");
  } catch (error) {
    key = null;
    // What the API says of a key that it does not know is about headers, which nobody types here.
    const why = error.status === 401 ? t("admin.key_unknown") : words(error);
    fill(byId("key-refused"), el("p", { class: "problem", role: "alert" }, el("b", {}, t("admin.key_wrong")), " ", why));
    byId("key").select();
    return;
  }
  byId("key").value = "";
  byId("key-form").hidden = true;
  announce(t("admin.unlocked"));
  await open();
});

function lock() {
  key = null;
  watching?.abort();
  watching = null;
  fill(byId("desk")).hidden = true;
  byId("key-form").hidden = false;
  byId("key").focus();
  announce(t("admin.locked"));
}

function words(error) {
  if (error instanceof Refused) return error.detail;
  return error instanceof Unreachable ? t("errors.unreachable") : t("errors.unreadable");
}

// What there is

async function open() {
  const place = byId("desk");
  place.hidden = false;
  fill(place, el("p", { class: "muted" }, t("admin.loading")));
  try {
    facts = await load();
  } catch (error) {
    fill(place, el("p", { class: "problem", role: "alert" }, words(error)));
    return;
  }
  fill(place, desk(facts, actions));
  byId("desk-heading").focus();
  watch();
}

async function load() {
  // No index yet is no failure here: this page is how one comes about.
  const orNothing = (loading) => loading.catch((error) => (error instanceof Refused && error.status === 503 ? null : Promise.reject(error)));
  const [index, documents, jobs, versions] = await Promise.all([
    orNothing(call("v1/index")),
    orNothing(call("v1/documents")),
    call("v1/jobs"),
    orNothing(call("v1/index/versions")),
  ]);
  return { index, documents: documents?.documents ?? [], jobs: jobs.jobs, versions: versions?.versions ?? [] };
}

/** Show everything anew but what is being typed. */
async function refresh() {
  try {
    facts = await load();
  } catch (error) {
    report(words(error), { failed: true });
    return;
  }
  const focused = document.activeElement?.id;
  const fresh = desk(facts, actions);
  for (const name of ["index-section", "jobs-section", "documents-section", "quarantine-section", "versions-section"]) {
    byId(name)?.replaceWith(fresh.querySelector(`#${name}`));
  }
  if (focused) byId(focused)?.focus();
}

function report(said, { failed = false } = {}) {
  const log = byId("upload-log");
  log?.prepend(el("li", { class: failed ? "problem" : null }, said));
  announce(said);
}

// Work as it goes on

/** Follow unfinished jobs, one stream at a time: browsers hold few connections to one service. */
async function watch() {
  if (watching) return;
  const mine = (watching = new AbortController());
  try {
    for (let unfinished = next(); unfinished && !mine.signal.aborted; unfinished = next()) {
      await followOrWait(unfinished, mine.signal);
      await refresh();
    }
    await afterSwap(mine.signal);
  } catch (error) {
    if (!mine.signal.aborted) report(words(error), { failed: true });
  } finally {
    if (watching === mine) watching = null;
  }
}

const isFinal = (job) => ["succeeded", "quarantined", "failed"].includes(job.state);

function next() {
  const open = facts.jobs.filter((job) => !isFinal(job));
  return open.find((job) => job.state === "running") ?? open.at(-1);
}

/** A stream that breaks off, for a proxy or a restart, is begun again a moment later; only a refused key ends it. */
async function followOrWait(job, signal) {
  try {
    await follow(job, signal);
  } catch (error) {
    if (signal.aborted || (error instanceof Refused && [401, 403].includes(error.status))) throw error;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

async function follow(job, signal) {
  const path = `v1/jobs/${encodeURIComponent(job.job_id)}/events`;
  const response = await request(path, { key, signal, headers: { Accept: "text/event-stream" } });
  for await (const { data } of events(response)) {
    const now = JSON.parse(data);
    facts.jobs = facts.jobs.map((each) => (each.job_id === now.job_id ? now : each));
    fill(byId("jobs"), jobList(facts.jobs));
  }
}

/** A new version serves within a moment of its build; look until it does. */
async function afterSwap(signal) {
  const newest = facts.jobs.find((job) => job.build?.activated)?.build.version;
  for (let look = 0; look < SWAP_LOOKS && newest && !signal.aborted; look += 1) {
    const serving = await call("v1/index");
    if (serving.version === newest || facts.versions.find((each) => each.is_current)?.version !== newest) break;
    await new Promise((resolve) => setTimeout(resolve, SWAP_LOOK_MS));
  }
  await refresh();
}

async function accepted(name, sent) {
  try {
    const job = await sent;
    report(t("admin.stored", { name: isolated(name) }));
    facts.jobs = [job, ...facts.jobs.filter((each) => each.job_id !== job.job_id)];
    fill(byId("jobs"), jobList(facts.jobs));
    watch();
  } catch (error) {
    report(t("admin.refused", { name: isolated(name), detail: words(error) }), { failed: true });
  }
}

// Changes

function fields() {
  const chosen = { reference_number: byId("reference-number").value, fidelity: byId("fidelity").value, doc_id: byId("doc-id").value.trim() };
  return Object.entries(chosen).filter(([, value]) => value);
}

function form(file, pairs) {
  const body = new FormData();
  for (const [name, value] of pairs) body.append(name, value);
  body.append("file", file, file.name);
  return body;
}

const actions = {
  lock,

  async upload(files, folders = []) {
    for (const name of folders) report(t("admin.refused", { name: isolated(name), detail: t("admin.folder") }), { failed: true });
    for (const file of files) {
      announce(t("admin.uploading", { name: isolated(file.name) }));
      await accepted(file.name, call("v1/documents", { method: "POST", body: form(file, fields()) }));
    }
  },

  async fetch(address) {
    const where = /^https?:\/\//i.test(address) ? { url: address } : { doi: address };
    const known = Object.fromEntries(fields().map(([name, value]) => [name, name === "reference_number" ? Number(value) : value]));
    await accepted(address, call("v1/documents", sending({ ...where, ...known })));
  },

  async replace(listed, file) {
    const pairs = [["fidelity", listed.fidelity], listed.reference_number && ["reference_number", listed.reference_number]].filter(Boolean);
    const path = `v1/documents/${encodeURIComponent(listed.doc_id)}`;
    await accepted(file.name, call(path, { method: "PUT", body: form(file, pairs) }));
  },

  async remove(listed) {
    if (!(await confirmed(t("admin.delete_confirm", { title: isolated(listed.title) }), t("admin.delete_yes"), { isDangerous: true }))) return;
    const path = `v1/documents/${encodeURIComponent(listed.doc_id)}`;
    await accepted(t("admin.job_remove", { name: listed.title }), call(path, { method: "DELETE" }));
  },

  async build() {
    await accepted(t("admin.job_build"), call("v1/index/builds", sending({})));
  },

  async rollBack(version) {
    if (!(await confirmed(t("admin.rollback_confirm", { version }), t("admin.rollback_yes")))) return;
    try {
      const now = await call("v1/index/rollback", sending({ version }));
      for (let look = 0; look < SWAP_LOOKS && (await call("v1/index")).version !== now.version; look += 1) {
        await new Promise((resolve) => setTimeout(resolve, SWAP_LOOK_MS));
      }
      report(t("admin.rolled_back", { version: now.version }));
    } catch (error) {
      report(t("admin.failed", { detail: words(error) }), { failed: true });
    }
    await refresh();
  },

  async compare(version) {
    const serving = facts.versions.find((each) => each.is_current)?.version;
    const place = byId("diff");
    try {
      const diff = await call(`v1/index/diff?${new URLSearchParams({ before: version, after: serving })}`);
      fill(place, diffView(diff));
    } catch (error) {
      fill(place, el("p", { class: "problem" }, words(error)));
    }
    place.focus();
  },
};

/** Ask before something that readers will notice; resolves to whether it was agreed to. */
function confirmed(question, yes, { isDangerous = false } = {}) {
  const agree = el("button", { value: "yes", class: isDangerous ? "primary danger" : "primary" }, yes);
  const keep = el("button", { value: "no", autofocus: isDangerous }, t("admin.keep"));
  const dialog = el(
    "dialog",
    { "aria-labelledby": "confirm-words" },
    el("form", { method: "dialog" }, el("p", { id: "confirm-words" }, question), el("div", { class: "actions" }, agree, keep)),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
