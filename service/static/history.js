// Questions asked before: kept in this browser's storage and nowhere else.

const NAME = "citewell.questions";
const KEPT = 12;

/** Earlier questions, newest first; none where storage is closed or holds something else. */
export function earlierQuestions() {
  try {
    const kept = JSON.parse(localStorage.getItem(NAME) ?? "[]");
    return Array.isArray(kept) ? kept.filter((each) => typeof each === "string" && each).slice(0, KEPT) : [];
  } catch {
    return [];
  }
}

export function remember(question) {
  keep([question, ...earlierQuestions().filter((each) => each !== question)].slice(0, KEPT));
}

export function forgetAll() {
  keep([]);
}

function keep(questions) {
  try {
    if (questions.length > 0) localStorage.setItem(NAME, JSON.stringify(questions));
    else localStorage.removeItem(NAME);
  } catch {
    // A private window may refuse; then nothing is remembered.
  }
}
