// Talking to the service: JSON, lines as they come, and events as they come.

// Every page lies beside v1/, wherever the service is mounted.
const ROOT = new URL(".", document.baseURI);

/** The service said no: `status`, `detail` and, when it is busy, after how many seconds to ask again. */
export class Refused extends Error {
  constructor(status, detail, retryAfter) {
    super(detail);
    this.status = status;
    this.detail = detail;
    this.retryAfter = retryAfter;
  }
}

/** Nothing came back. */
export class Unreachable extends Error {}

/** Something came back that is not what the API promises. */
export class Unreadable extends Error {}

/** Send a request; give the response of a status below 400. */
export async function request(path, { method = "GET", body = null, headers = {}, key = null, signal = null } = {}) {
  const sent = { method, body, signal, headers: { Accept: "application/json", ...headers }, cache: "no-store" };
  if (key) sent.headers.Authorization = `Bearer ${key}`;
  let response;
  try {
    response = await fetch(new URL(path, ROOT), sent);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable(error.message);
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

async function refusal(response) {
  let detail = response.statusText;
  try {
    detail = (await response.json()).detail ?? detail;
  } catch {
    // A proxy in between may answer in its own words.
  }
  const after = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return new Refused(response.status, String(detail), Number.isNaN(after) ? null : after);
}

/** Send a request, by default a GET, and read the JSON of its answer. */
export async function json(path, options = {}) {
  const response = await request(path, options);
  try {
    return response.status === 204 ? null : await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw error instanceof SyntaxError ? new Unreadable(error.message) : new Unreachable(error.message);
  }
}

/** Options of a request that sends JSON. */
export function sending(value, options = {}) {
  return {
    method: "POST",
    ...options,
    body: JSON.stringify(value),
    headers: { ...options.headers, "Content-Type": "application/json" },
  };
}

export function ask(question, { topK = 5, signal = null } = {}) {
  return json("v1/ask", sending({ question, top_k: topK }, { signal }));
}

/** Yield the lines of a body as they arrive. */
export async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const parts = (rest + value).split("\n");
      rest = parts.pop();
      yield* parts;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
  if (rest) yield rest;
}

/** Yield server-sent events as { event, data }; EventSource can't send a key, so they are read by hand. */
export async function* events(response) {
  let event = "message";
  let data = [];
  for await (const raw of lines(response)) {
    const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    if (line === "") {
      if (data.length > 0) yield { event, data: data.join("\n") };
      event = "message";
      data = [];
    } else if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
}
