"""Try an installed wheel, from outside the checkout: the import, the data, and one lab without a browser.

`make wheel-test` runs this with `python -I` in an empty environment, so that no checkout is on the path.
"""

import sysconfig
from pathlib import Path

import dlhelpers
from dlhelpers import datasets
from dlhelpers.digit_runs import run_table
from dlhelpers.labs.bias_variance import decomposition_lab

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def main() -> None:
    """Raise if anything that a reader needs is missing from the wheel."""
    package = Path(dlhelpers.__file__).parent
    site_packages = Path(sysconfig.get_path("purelib"))
    assert package.is_relative_to(site_packages), f"imported from {package}, not from {site_packages}"
    assert (package / "py.typed").is_file(), "the wheel has no py.typed"
    print("import:", package.relative_to(site_packages.parent))

    for load in (datasets.digits, datasets.breast_cancer, datasets.sea_surface_temperature, run_table):
        load()
        print("data:  ", load.__name__)

    lab = decomposition_lab()
    assert lab.caption, "the lab has no caption"
    assert lab.png().startswith(PNG_SIGNATURE), "the lab's picture is not a PNG"
    print("lab:   ", lab.caption)


if __name__ == "__main__":
    main()
