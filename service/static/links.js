// Addresses within the page, and following them without loading it again.

/** The address of a question. */
export function questionLink(question) {
  return `./?${new URLSearchParams({ q: question })}`;
}

/** The address of a document, with the passage to mark. */
export function documentLink(docId, passageId = null) {
  return `./?${new URLSearchParams(passageId ? { doc: docId, passage: passageId } : { doc: docId })}`;
}

/** Call `go` for every link to a view of this page that is followed in the ordinary way. */
export function interceptLinks(root, go) {
  root.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-view]");
    const special = event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    if (!link || special || event.defaultPrevented) return;
    event.preventDefault();
    go(new URL(link.href));
  });
}
