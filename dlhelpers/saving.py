"""Save a trained network to a file and load it again, without pickle: a file can run no code."""

import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.checks import check_array, check_path, shortened, shown, told
from dlhelpers.network import Network
from dlhelpers.typing import FloatArray

FORMAT = 1


class Saved(NamedTuple):
    """What a file holds.

    Attributes
    ----------
    network : Network
    theta : (..., P) float array
    statistics : (..., S) float array or None
        Of batch normalization.
    """

    network: Network
    theta: FloatArray
    statistics: FloatArray | None


def save_network(
    path: str | Path, network: Network, theta: FloatArray, statistics: FloatArray | None = None
) -> None:
    """Write a network and its parameters to an .npz file.

    Parameters
    ----------
    path : str or Path
        An existing file is replaced, in one move: there is no moment with half a file.
    network : Network
    theta : (..., P) float array
    statistics : (..., S) float array, optional
        The running statistics, for a network with batch normalization.

    Raises
    ------
    ValueError
        If an argument is not as described, the arrays do not fit the network, or one of its settings,
        such as keep_prob, is an array.
    OSError
        If the file cannot be written; an existing file is then as it was.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> network = Network((2, 5, 1), "relu")
    >>> with TemporaryDirectory() as folder:
    ...     save_network(f"{folder}/network.npz", network, np.zeros(21))
    ...     load_network(f"{folder}/network.npz").network == network
    True
    """
    path = check_path(path, "network.npz")
    name = shortened(str(path), 300)
    if not isinstance(network, Network):
        raise ValueError(f"network must be a Network; got {shown(network)}.")
    _check_arrays(network, theta, statistics)
    arrays = {"theta": theta} if statistics is None else {"theta": theta, "statistics": statistics}
    description = json.dumps({"format": FORMAT, **asdict(network)}, default=_plain_number)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"path must be in a folder that exists; got {name!r}. Make the folder first, with "
            "Path(path).parent.mkdir(parents=True)."
        )
    if path.is_dir():
        raise IsADirectoryError(
            f"path must name a file; got {name!r}, which is a folder. Add a name: 'network.npz'."
        )
    unfinished = path.with_name(path.name + ".part")
    try:
        with open(unfinished, "wb") as file:
            np.savez(file, description=np.array(description), **arrays)  # type: ignore[arg-type]
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def load_network(path: str | Path) -> Saved:
    """Read what `save_network` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Saved

    Raises
    ------
    ValueError
        If the file was not written by `save_network`, is damaged, would be larger than itself when it is
        unpacked, or comes from a newer version.
    FileNotFoundError
        If there is no such file.
    """
    path = check_path(path, "network.npz")
    name = shortened(str(path), 300)
    try:
        number, description, arrays = _read(path)
        saved = _saved(description, arrays) if number == FORMAT else None
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged file may fail anywhere
        raise ValueError(
            f"path must name a file that save_network wrote; got {name!r}, which cannot be read "
            f"({_reason(error)}). Save the network again."
        ) from None
    if saved is None:
        raise ValueError(
            f"path must name a file of format {FORMAT}; got format {shown(number)} in "
            f"{name!r}. Load it with the version of dlhelpers that wrote it."
        )
    return saved


def _read(path: Path) -> tuple[Any, dict[str, Any], dict[str, FloatArray]]:
    """Return the number of the format, the settings of the network and the arrays."""
    _check_size(path)
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as entries:
        arrays = {name: entries[name] for name in entries.files}
    description = json.loads(str(arrays.pop("description")))
    return description.pop("format"), description, arrays


def _check_size(path: Path) -> None:
    """Raise unless this is an archive that holds what it says: `save_network` does not compress."""
    size = path.stat().st_size
    if not zipfile.is_zipfile(path):
        raise ValueError("it is no .npz archive")
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > size:
        raise ValueError(f"its {size:,} bytes would be {unpacked:,} when unpacked")


def _reason(error: Exception) -> str:
    """Return why a file cannot be read; NumPy would advise to load Python objects, which can run code."""
    return "it holds Python objects" if "pickle" in str(error) else told(error)


def _saved(description: dict[str, Any], arrays: dict[str, FloatArray]) -> Saved:
    tuples = {name: tuple(value) for name, value in description.items() if isinstance(value, list)}
    batch_norm = description["batch_norm"]
    settings = None if batch_norm is None else BatchNormalization(**batch_norm)
    network = Network(**{**description, **tuples, "batch_norm": settings})
    saved = Saved(network, arrays["theta"], arrays.get("statistics"))
    _check_arrays(*saved)
    return saved


def _check_arrays(network: Network, theta: FloatArray, statistics: FloatArray | None) -> None:
    network.layout.views(theta)
    if statistics is None:
        return
    if network.batch_norm is None:
        raise ValueError(
            f"statistics must be None for a network without batch normalization; got {shown(statistics)}."
        )
    advice = "Use those of the training run."
    check_array("statistics", statistics, f"(..., {network.statistics_layout.size})", advice)


def _plain_number(value: Any) -> Any:
    """Return a number of NumPy as one of Python: what json asks for when it does not know a type."""
    if isinstance(value, np.number):
        return value.item()
    raise ValueError(
        f"network must have no arrays among its settings to be saved; got {shown(value)}. Save the networks "
        "of a population one by one."
    )
