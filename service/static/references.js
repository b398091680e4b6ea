// The panel of references: each entry in full, what was corrected in it, and copies for other programs.

import { goBackToText } from "./chips.js";
import { apa, bibtex, ris } from "./citing.js";
import { copyButton, el, outside } from "./dom.js";
import { t } from "./text.js";

const FORMS = [
  ["APA", apa],
  ["BibTeX", bibtex],
  ["RIS", ris],
];

/** A panel with the entries; `usedIn` gives links to what an entry is behind, or null. */
export function referencePanel(references, usedIn = () => null) {
  return el(
    "aside",
    { class: "references", "aria-labelledby": "references-heading" },
    el("h2", { id: "references-heading" }, t("references.heading")),
    references.length > 0
      ? el("ol", { class: "reference-list", role: "list" }, references.map((each) => entry(each, usedIn(each.number))))
      : el("p", { class: "muted" }, t("references.none")),
  );
}

function entry(reference, used) {
  return el(
    "li",
    { class: "reference", id: `reference-${reference.number}`, tabindex: "-1" },
    el("span", { class: "reference-number", "aria-hidden": "true" }, String(reference.number)),
    el(
      "div",
      { class: "reference-body" },
      el("p", { class: "reference-text", dir: "auto" }, el("span", { class: "visually-hidden" }, t("references.chip_plain", { n: reference.number }), ": "), reference.text),
      reference.problems.map((each) => el("p", { class: "problem", dir: "auto" }, el("b", {}, t("references.problem")), " ", each)),
      identifiers(reference),
      used?.length > 0 && el("p", { class: "used" }, t("references.used_in"), " ", used),
      copies(reference),
    ),
  );
}

function identifiers(reference) {
  const links = [
    reference.doi && [t("references.doi"), reference.doi, `https://doi.org/${reference.doi}`],
    reference.pmid && [t("references.pmid"), reference.pmid, `https://pubmed.ncbi.nlm.nih.gov/${encodeURIComponent(reference.pmid)}/`],
    reference.pmcid && [t("references.pmcid"), reference.pmcid, `https://pmc.ncbi.nlm.nih.gov/articles/${encodeURIComponent(reference.pmcid)}/`],
    !reference.doi && reference.url && [t("references.address"), shownAddress(reference), reference.url],
  ].filter(Boolean);
  return (
    links.length > 0 &&
    el("ul", { class: "identifiers", role: "list" }, links.map(([name, shown, url]) => el("li", {}, `${name} `, outside(url, shown))))
  );
}

// An entry that prints the address need not say it twice.
function shownAddress({ text, url }) {
  return text.includes(url) && URL.canParse(url) ? new URL(url).hostname || url : url;
}

function copies(reference) {
  const n = reference.number;
  const said = { copied: t("answer.copied"), failed: t("answer.copy_failed") };
  const buttons = FORMS.map(([form, write]) =>
    copyButton(form, () => write(reference), { label: t("references.copy_label", { n, form }), ...said }),
  );
  const back = el("button", { type: "button", class: "quiet back-to-text", on: { click: goBackToText } }, t("references.back"));
  return el("p", { class: "copies" }, el("span", { class: "muted" }, t("references.copy_as")), buttons, back);
}
