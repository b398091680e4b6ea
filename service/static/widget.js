// <citewell-ask src="https://answers.example"></citewell-ask>: a question box that any page can hold.
//
// One file, no dependency, nothing inline and nothing evaluated, so it works under a strict policy: script-src and
// connect-src must name the service, nothing else. The service must allow the page's origin. How it looks is set by
// custom properties (see STYLE) and ::part(); a `citewell-reply` event carries every reply to the page.

(() => {
  "use strict";

  const WORDS = "{{widget}}"; // from strings.json, put in when this file is sent

  const STYLE = `
    :host {
      --accent: var(--citewell-accent, light-dark(#0b6b5d, #74d5c2));
      --on-accent: var(--citewell-on-accent, light-dark(#ffffff, #08231e));
      --paper: var(--citewell-paper, light-dark(#ffffff, #1a1f1e));
      --ink: var(--citewell-ink, light-dark(#1b2220, #e9ecea));
      --soft: var(--citewell-ink-soft, light-dark(#55605c, #a6b1ad));
      --line: var(--citewell-line, light-dark(#d9d5ca, #333c39));
      --edge: var(--citewell-edge, light-dark(#858a80, #7b8783));
      --alarm: var(--citewell-alarm, light-dark(#9b1219, #ffaba5));
      --alarm-paper: var(--citewell-alarm-paper, light-dark(#fdebea, #3d1718));
      --warn: var(--citewell-warn, light-dark(#6d4300, #f3c979));
      --radius: var(--citewell-radius, 0.6rem);
      display: block;
      max-inline-size: 44rem;
      padding: 1rem;
      border: 1px solid var(--line);
      border-radius: var(--radius);
      background: var(--paper);
      color: var(--ink);
      font: var(--citewell-font, inherit);
      line-height: 1.55;
      overflow-wrap: break-word;
    }
    :host([hidden]) { display: none; }
    * { box-sizing: border-box; }
    h3, p, ol, ul, blockquote { margin: 0; padding: 0; }
    h3 { font-size: 1.05em; line-height: 1.3; }
    ol, ul { list-style: none; }
    label { display: block; margin-block-end: 0.35rem; font-weight: 600; font-size: 0.925em; }
    form > div { display: flex; flex-wrap: wrap; gap: 0.5rem; }
    input { flex: 1 1 12rem; min-inline-size: 0; }
    input, form button {
      min-block-size: 2.75rem; padding: 0.4rem 0.8rem; border: 1px solid var(--edge); border-radius: var(--radius);
      background: transparent; color: inherit; font: inherit;
    }
    input::placeholder { color: var(--soft); opacity: 1; }
    form button { background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; cursor: pointer; }
    :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
    li:focus { outline: none; background: color-mix(in srgb, var(--accent) 12%, transparent); }
    .result:not(:empty) { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; margin-block-start: 1rem; }
    .soft, cite { color: var(--soft); font-size: 0.875em; }
    blockquote { padding-inline-start: 0.8rem; border-inline-start: 3px solid var(--accent); }
    .refusal blockquote { border-inline-start-style: dashed; border-color: var(--edge); }
    blockquote + blockquote { margin-block-start: 0.8rem; }
    h3 + * { margin-block-start: 0.5rem; }
    cite { display: block; margin-block-start: 0.2rem; }
    .notice { padding: 0.8rem 1rem; border: 2px solid var(--alarm); border-radius: var(--radius); background: var(--alarm-paper); }
    .notice h3 { color: var(--alarm); }
    .chip {
      min-inline-size: 1.5rem; min-block-size: 1.5rem; margin-inline-start: 0.2em; padding: 0 0.3rem; border: 0; border-radius: 0.3rem;
      background: color-mix(in srgb, var(--accent) 14%, var(--paper)); color: inherit;
      font: 650 0.8125em/1.2 inherit; font-weight: 650; cursor: pointer;
    }
    .references li { padding: 0.25rem; margin-inline: -0.25rem; font-size: 0.9em; overflow-wrap: anywhere; }
    .quote + .quote { margin-block-start: 0.4rem; }
    .problem { color: var(--warn); }
    a { color: var(--accent); }
    .failure { color: var(--alarm); }
  `;

  const ANSWER_PASSAGES = 5;
  const NEAREST_SHOWN = 2;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);

  /** Make an element: attributes, but for `on...` functions; children are nodes or text and never markup. */
  function el(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") made.addEventListener(name.slice(2), value);
      else if (value !== null && value !== false) made.setAttribute(name, value);
    }
    made.append(...children.flat(Infinity).filter((child) => child !== null && child !== false));
    return made;
  }

  function link(url, words) {
    const safe = typeof url === "string" && /^https?:\/\//i.test(url) && URL.canParse(url);
    return safe ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, words) : el("span", {}, words);
  }

  class CitewellAsk extends HTMLElement {
    static observedAttributes = ["placeholder"];
    #input = el("input", { id: "question", part: "input", maxlength: "2000", dir: "auto", autocomplete: "off", placeholder: WORDS.placeholder });
    #result = el("div", { class: "result", part: "result", "aria-live": "polite" });
    #waiting = null;

    constructor() {
      super();
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      const asked = (event) => {
        event.preventDefault();
        this.ask(this.#input.value);
      };
      const box = el("div", {}, this.#input, el("button", { part: "button" }, WORDS.submit));
      root.append(
        el("form", { part: "form", lang: WORDS.lang, onsubmit: asked }, el("label", { for: "question" }, WORDS.label), box),
        this.#result,
      );
    }

    attributeChangedCallback(name, before, value) {
      this.#input.placeholder = value ?? WORDS.placeholder;
    }

    connectedCallback() {
      if (this.hasAttribute("question")) this.ask(this.getAttribute("question"));
    }

    disconnectedCallback() {
      this.#waiting?.abort();
    }

    /** Ask a question as if it had been typed. */
    async ask(text) {
      const question = text.trim();
      if (!question) return;
      this.#input.value = text;
      this.#waiting?.abort();
      const waiting = (this.#waiting = new AbortController());
      this.#show(el("p", { class: "soft" }, WORDS.working));
      try {
        const reply = await this.#fetch(question, waiting.signal);
        this.#show(...this.#rendered(reply));
        this.dispatchEvent(new CustomEvent("citewell-reply", { detail: reply, bubbles: true, composed: true }));
      } catch (error) {
        if (!waiting.signal.aborted) this.#show(el("p", { class: "failure", role: "alert" }, error.forReader ?? WORDS.unreachable));
      }
    }

    #base() {
      try {
        return new URL(this.getAttribute("src").replace(/\/*$/, "/"), document.baseURI);
      } catch {
        throw Object.assign(new Error("no src"), { forReader: WORDS.no_source });
      }
    }

    async #fetch(question, signal) {
      const response = await fetch(new URL("v1/ask", this.#base()), {
        method: "POST",
        signal,
        credentials: "omit",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ question, top_k: ANSWER_PASSAGES }),
      });
      const reply = await response.json();
      if (!response.ok) throw Object.assign(new Error(String(response.status)), { forReader: reply.detail });
      return reply;
    }

    #show(...nodes) {
      this.#result.replaceChildren(...nodes);
    }

    #rendered(reply) {
      const more = new URL(`?${new URLSearchParams({ q: reply.question })}`, this.#base()).href;
      const used = new Set(reply.answer?.sentences.flatMap((each) => each.references) ?? []);
      const cited = reply.references.filter((each) => used.has(each.number));
      return [
        ...reply.notices.map((each) => el("div", { class: "notice", part: "notice", role: "alert" }, el("h3", {}, WORDS.notice), el("p", { dir: "auto" }, each.text))),
        ...(reply.not_mentioned.length > 0 ? [el("p", { class: "soft", part: "not-mentioned", dir: "auto" }, `${WORDS.not_mentioned} ${reply.not_mentioned.join(", ")}.`)] : []),
        reply.answerable && reply.answer ? this.#answer(reply) : this.#refusal(reply),
        ...(cited.length > 0 ? [this.#references(cited)] : []),
        el("p", { class: "soft" }, link(more, WORDS.more)),
        el("p", { class: "soft", part: "disclaimer", dir: "auto" }, reply.disclaimer),
      ];
    }

    #answer(reply) {
      // Sentences of one passage that follow each other stand together, above what they are from.
      const groups = [];
      for (const each of reply.answer.sentences) {
        if (groups.at(-1)?.[0].passage_id === each.passage_id) groups.at(-1).push(each);
        else groups.push([each]);
      }
      const quotes = groups.map((group) => {
        const passage = reply.passages.find((found) => found.passage_id === group[0].passage_id);
        const sentences = group.map((each) => el("p", { class: "quote", dir: "auto" }, each.text, each.references.map((n) => this.#chip(n))));
        return el("blockquote", {}, sentences, passage && this.#origin(passage));
      });
      return el("section", { class: "answer", part: "answer" }, el("h3", {}, WORDS.answer), quotes);
    }

    #refusal(reply) {
      const nearest = reply.passages.slice(0, NEAREST_SHOWN).map((each) => el("blockquote", { dir: "auto" }, each.text, this.#origin(each)));
      return el("section", { class: "refusal", part: "refusal" }, el("h3", {}, WORDS.refusal), nearest.length > 0 && el("p", { class: "soft" }, WORDS.refusal_note), nearest);
    }

    #origin(passage) {
      const label = passage.document.fidelity === "digest" ? ` (${WORDS.digest})` : "";
      return el("cite", { dir: "auto" }, passage.document.title, label);
    }

    #chip(n) {
      const go = () => this.shadowRoot.getElementById(`reference-${n}`)?.focus();
      return el("button", { type: "button", class: "chip", part: "chip", "aria-label": WORDS.reference.replace("{n}", n), onclick: go }, `[${n}]`);
    }

    #references(cited) {
      const items = cited.map((each) => {
        const address = each.doi ? `https://doi.org/${each.doi}` : each.url;
        return el(
          "li",
          { id: `reference-${each.number}`, tabindex: "-1", dir: "auto" },
          `[${each.number}] ${each.text} `,
          address && link(address, each.doi ?? address),
          each.problems.map((problem) => el("p", { class: "problem" }, `${WORDS.problem} ${problem}`)),
        );
      });
      return el("section", { class: "references", part: "references" }, el("h3", {}, WORDS.references), el("ol", {}, items));
    }
  }

  if (!customElements.get("citewell-ask")) customElements.define("citewell-ask", CitewellAsk);
})();
