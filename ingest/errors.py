"""Every error that Citewell raises on purpose.

    CitewellError
    ├── CorpusError                what an editor supplied cannot be used
    │   ├── ManifestError          corpus.toml is missing, malformed or contradicts itself
    │   ├── UnreadableDocumentError   a file is empty, encrypted, truncated or not what it claims
    │   ├── BibliographyError      reference numbers contradict each other
    │   └── FetchingError          nothing usable came from outside
    │       └── AddressRefusedError   an address may not be visited
    ├── ModelError                 a model is missing or not the one expected
    │   └── ExportError            it has no form that is served without torch
    ├── SnapshotError              a snapshot on disk cannot be used
    │   ├── SnapshotNotFoundError  there is none yet
    │   ├── SnapshotDamagedError   a file's hash or size is not what the manifest says
    │   └── IndexMismatchError     it was built with another model, dimension or format
    ├── BuildInProgressError       another process is building
    ├── OverloadedError            more is asked at once than there is room for
    └── NotIndexedError            a document, passage or reference that no snapshot holds

Wrong arguments stay `ValueError`. Status codes and exit codes are given at the edges only.
"""


class CitewellError(Exception):
    """Something went wrong that a user, an editor or an operator can put right."""


class CorpusError(CitewellError):
    """What an editor supplied cannot be used."""


class ManifestError(CorpusError):
    """The manifest is missing, malformed or contradicts itself."""


class UnreadableDocumentError(CorpusError):
    """A file is empty, encrypted, truncated or not what it claims to be."""


class BibliographyError(CorpusError):
    """Reference numbers contradict each other."""


class FetchingError(CorpusError):
    """Nothing usable came from outside: no answer, a faulty one, or another work than was asked for."""


class AddressRefusedError(FetchingError):
    """An address that may not be visited, because of its form or because of where it leads."""


class ModelError(CitewellError):
    """A model is missing or not the one expected."""


class ExportError(ModelError):
    """An encoder has no form that is served without torch: not made yet, damaged, or impossible."""


class SnapshotError(CitewellError):
    """A snapshot on disk cannot be used."""


class SnapshotNotFoundError(SnapshotError):
    """There is no snapshot yet."""


class SnapshotDamagedError(SnapshotError):
    """A file of a snapshot is missing or differs from what its manifest says."""


class IndexMismatchError(SnapshotError):
    """A snapshot was built with another model, dimension or format than configured."""


class BuildInProgressError(CitewellError):
    """Another process is building into the same folder."""


class OverloadedError(CitewellError):
    """More is asked at once than there is room for; later there will be."""


class NotIndexedError(CitewellError):
    """A document, passage or reference that the snapshot does not hold."""
