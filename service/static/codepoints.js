// Offsets of the API count Unicode code points; those of JavaScript's strings count UTF-16 units.

/** A text that is cut by code points. */
export class CodePoints {
  #text;
  #points;

  constructor(text) {
    this.#text = text;
    // Only a text with characters beyond the basic plane counts differently; most have none.
    this.#points = /[\ud800-\udbff]/.test(text) ? Array.from(text) : null;
  }

  get length() {
    return this.#points ? this.#points.length : this.#text.length;
  }

  slice(start, end) {
    return this.#points ? this.#points.slice(start, end).join("") : this.#text.slice(start, end);
  }
}

/**
 * Cut [start, end) at the edges of spans; spans may overlap.
 *
 * Returns pieces in order: { start, end, within }, `within` holding the spans that cover the piece.
 */
export function cutAtSpans(start, end, spans) {
  const inside = spans.filter((span) => span.start < end && span.end > start);
  const edges = new Set([start, end]);
  for (const span of inside) {
    edges.add(Math.max(start, span.start));
    edges.add(Math.min(end, span.end));
  }
  const sorted = [...edges].sort((a, b) => a - b);
  return sorted.slice(0, -1).map((from, at) => ({
    start: from,
    end: sorted[at + 1],
    within: inside.filter((span) => span.start <= from && span.end >= sorted[at + 1]),
  }));
}
