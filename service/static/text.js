// Words for readers: all of them stand in strings.json.

import { STRINGS } from "./strings.js";

const plural = new Intl.PluralRules(STRINGS.lang);
const percentage = new Intl.NumberFormat(STRINGS.lang, { style: "percent", maximumFractionDigits: 0 });
const decimal = new Intl.NumberFormat(STRINGS.lang, { maximumFractionDigits: 2 });
const moment = new Intl.DateTimeFormat(STRINGS.lang, { dateStyle: "medium", timeStyle: "short" });

/** Return the words under a dotted name, `{n}` and the like filled in; plural forms go by `values.n`. */
export function t(name, values = {}) {
  let words = STRINGS;
  for (const part of name.split(".")) words = words?.[part];
  if (words && typeof words === "object") words = words[plural.select(values.n)] ?? words.other;
  if (words === undefined) throw new Error(`strings.json has no ${name}`);
  return words.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? String(values[key]) : whole));
}

/** Words from outside within a sentence of ours: whichever way they run, the sentence runs its own (U+2068, first strong isolate). */
export function isolated(words) {
  return `\u2068${words}\u2069`;
}

/** A share as a percentage; never 0 % or 100 %, because a probability is neither. */
export function percent(share) {
  return percentage.format(Math.min(Math.max(share, 0.01), 0.99));
}

/** A share as a percentage, as it was counted. */
export function counted(share) {
  return percentage.format(share);
}

export function number(value) {
  return decimal.format(value);
}

/** A number with a fixed count of decimals, for columns and for numbers that are compared. */
export function decimals(value, digits) {
  return value.toLocaleString(STRINGS.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A moment in the reader's own time; what is no date is shown as it came. */
export function date(value) {
  const at = new Date(value);
  return Number.isNaN(at.getTime()) ? String(value ?? "") : moment.format(at);
}
