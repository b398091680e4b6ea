"""Where a named model lies on this machine, and what its weights hash to."""

import hashlib
from pathlib import Path

from ingest.errors import ModelError

#: The encoder that is used when none is named.
DEFAULT_MODEL = "all-MiniLM-L6-v2"


def find_model_folder(model: str, *, what: str, setting: str, otherwise: str) -> Path:
    """Return the folder of a model: the folder that is named, or that of its name in the local model cache.

    Args:
        model: A folder, or the name of a model, which is downloaded where there is a network.
        what: The model's task, for the error.
        setting: The variable that names it.
        otherwise: What unsetting the variable does.

    Raises:
        ModelError: If it is nowhere.
    """
    if (path := Path(model)).is_dir():
        return path
    from huggingface_hub import snapshot_download  # noqa: PLC0415  # only where a model is named
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError  # noqa: PLC0415

    try:
        return Path(snapshot_download(model))
    except (LocalEntryNotFoundError, HfHubHTTPError, ValueError, OSError) as error:
        raise ModelError(
            f"The {what} model {model!r} is neither a folder nor in the local model cache, and it could not "
            f"be downloaded ({type(error).__name__}). Give a folder in {setting}, or unset it {otherwise}."
        ) from error


def hash_weights(path: Path) -> str:
    """Return the SHA-256 of the weight file, or of all of them in name order when there are several.

    Raises:
        ModelError: If there is none.
    """
    files = sorted(path.rglob("*.safetensors")) or sorted(path.rglob("pytorch_model*.bin"))
    if not files:
        raise ModelError(f"{path} holds no model weights (*.safetensors). Give the folder of a saved model.")
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
