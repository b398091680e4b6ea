// One reference in the forms that other programs and other writers want: APA, BibTeX, RIS. Plain functions.

/** "van Engelen BGM" -> { family: "van Engelen", initials: ["B", "G", "M"] }; an organisation has no initials. */
export function readAuthor(printed) {
  const found = /^(.*\S)\s+(\p{Lu}(?:[-.]?\p{Lu}){0,3}\.?)$/u.exec(printed.trim());
  if (!found || /[(),]/.test(found[1])) return { family: printed.trim(), initials: [] };
  return { family: found[1], initials: [...found[2].matchAll(/\p{Lu}/gu)].map((match) => match[0]) };
}

function apaAuthor(printed) {
  const { family, initials } = readAuthor(printed);
  return initials.length > 0 ? `${family}, ${initials.map((initial) => `${initial}.`).join(" ")}` : family;
}

// More than twenty: the first nineteen, a gap, the last (APA, 7th edition, 9.8).
function apaAuthors(authors) {
  const names = authors.map(apaAuthor);
  if (names.length > 20) return `${names.slice(0, 19).join(", ")}, … ${names.at(-1)}`;
  return names.length > 1 ? `${names.slice(0, -1).join(", ")}, & ${names.at(-1)}` : (names[0] ?? "");
}

/** The address of a reference, its DOI's first. */
export function addressOf(reference) {
  return reference.doi ? `https://doi.org/${reference.doi}` : (reference.url ?? null);
}

const ended = (text) => (/[.?!]$/.test(text) ? text : `${text}.`);

/** One line as in the APA's manual; the entry as printed where its parts are not known. */
export function apa(reference) {
  if (!reference.title) return reference.text;
  const year = `(${reference.year ?? "n.d."}).`;
  const names = apaAuthors(reference.authors);
  const volume = reference.volume ? `, ${reference.volume}` : "";
  const issue = reference.issue ? `(${reference.issue})` : "";
  const pages = reference.pages ? `, ${reference.pages.replace("-", "–")}` : "";
  const place = reference.container ? `${reference.container}${volume}${issue}${pages}.` : "";
  const beginning = names ? [ended(names), year, ended(reference.title)] : [ended(reference.title), year];
  return [...beginning, place, addressOf(reference) ?? ""].filter(Boolean).join(" ");
}

const SPECIAL = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}" };

function bibtexValue(text) {
  const flat = String(text).replace(/\s+/g, " ");
  return flat.replace(/[\\{}~^&%$#_]/g, (found) => SPECIAL[found] ?? `\\${found}`);
}

function bibtexAuthor(printed) {
  const { family, initials } = readAuthor(printed);
  // Braces keep an organisation's name in one piece.
  if (initials.length === 0) return `{${bibtexValue(family)}}`;
  return `${bibtexValue(family)}, ${initials.map((initial) => `${initial}.`).join(" ")}`;
}

function bibtexKey(reference) {
  const family = readAuthor(reference.authors[0] ?? "").family.normalize("NFD").replace(/[^A-Za-z]/g, "");
  return `${family.toLowerCase() || "reference"}${reference.year ?? ""}_${reference.number}`;
}

/** A BibTeX entry. */
export function bibtex(reference) {
  const fields = [
    ["author", reference.authors.map(bibtexAuthor).join(" and ")],
    ["title", reference.title && `{${bibtexValue(reference.title)}}`],
    ["journal", reference.container && bibtexValue(reference.container)],
    ["year", reference.year],
    ["volume", reference.volume && bibtexValue(reference.volume)],
    ["number", reference.issue && bibtexValue(reference.issue)],
    ["pages", reference.pages && bibtexValue(reference.pages).replace(/-+|–/, "--")],
    // An identifier is no prose: its underscores stay.
    ["doi", reference.doi && reference.doi.replace(/[{}\s]/g, "")],
    ["url", addressOf(reference)?.replace(/[{}\s]/g, "")],
    ["note", reference.title ? null : bibtexValue(reference.text)],
  ].filter(([, value]) => value);
  const body = fields.map(([name, value]) => `  ${name} = {${value}},`).join("\n");
  return `@${reference.container && reference.volume ? "article" : "misc"}{${bibtexKey(reference)},\n${body}\n}`;
}

/** A record in RIS, whose lines end in CR LF. */
export function ris(reference) {
  const flat = (text) => String(text).replace(/\s+/g, " ");
  const [first, last] = (reference.pages ?? "").split(/[-–]/);
  const pairs = [
    ["TY", reference.container && reference.volume ? "JOUR" : "GEN"],
    ...reference.authors.map((author) => ["AU", apaAuthor(author)]),
    ["TI", reference.title ?? reference.text],
    ["T2", reference.container],
    ["PY", reference.year],
    ["VL", reference.volume],
    ["IS", reference.issue],
    ["SP", first],
    ["EP", last],
    ["DO", reference.doi],
    ["AN", reference.pmid],
    ["UR", addressOf(reference)],
  ].filter(([, value]) => value);
  return [...pairs.map(([tag, value]) => `${tag}  - ${flat(value)}`), "ER  - ", ""].join("\r\n");
}

/** First author and the rest in a few words. */
export function shortAuthors(reference, others) {
  const [first, ...rest] = reference.authors;
  if (!first) return "";
  const name = readAuthor(first).family;
  return rest.length > 1 ? others(name) : [name, ...rest.map((author) => readAuthor(author).family)].join(", ");
}
