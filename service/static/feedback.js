// Was this helpful: one click, without the question.

import { json, Refused, sending } from "./api.js";
import { announce, el, fill } from "./dom.js";
import { t } from "./text.js";

/** Two buttons; what was pressed goes to the service, which version answered with it, and no words of the reader. */
export function feedbackButtons(reply) {
  const group = el("div", { class: "feedback", role: "group", "aria-label": t("feedback.question") });
  const say = (words) => {
    fill(group, el("span", { class: "muted" }, words));
    announce(words);
  };
  const send = async (helpful) => {
    for (const button of group.querySelectorAll("button")) button.disabled = true;
    try {
      await json("v1/feedback", sending(feedbackOn(reply, helpful)));
      say(t("feedback.thanks"));
    } catch (error) {
      const closed = error instanceof Refused && [404, 405].includes(error.status);
      say(t(closed ? "feedback.closed" : "feedback.failed"));
    }
  };
  const button = (words, helpful) => el("button", { type: "button", class: "quiet", on: { click: () => send(helpful) } }, words);
  return fill(group, el("span", { class: "muted" }, t("feedback.question")), button(t("feedback.yes"), true), button(t("feedback.no"), false));
}

function feedbackOn(reply, helpful) {
  return { helpful, version: reply.index.version, passage_ids: reply.passages.map((each) => each.passage_id) };
}
