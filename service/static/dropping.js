// Files that are dropped on a place of the page.

const holdsFiles = (event) => event.dataTransfer.types.includes("Files");

/** Call `take(files, folders)` for what is dropped: the files, and the names of folders, which no browser sends. */
export function acceptDrops(zone, take) {
  for (const kind of ["dragover", "dragenter"]) {
    zone.addEventListener(kind, (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return; // words that are dragged belong to the field under them
    event.preventDefault();
    zone.classList.remove("over");
    const entries = [...event.dataTransfer.items].filter((each) => each.kind === "file").map((each) => each.webkitGetAsEntry?.());
    const files = [...event.dataTransfer.files];
    const isFolder = (_, at) => entries[at]?.isDirectory === true;
    take(files.filter((each, at) => !isFolder(each, at)), files.filter(isFolder).map((each) => each.name));
  });
}
