"""From a definition and the files of its dataset to items."""

from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.hub.declared import check_numbering
from evaluation.benchmarks.hub.files import DatasetFiles
from evaluation.benchmarks.hub.shapes import SHAPES
from evaluation.benchmarks.hub.source import Source
from evaluation.benchmarks.items import Items
from evaluation.benchmarks.schema import Definition


def read_dataset(definition: Definition, files: DatasetFiles) -> Items:
    """All items, before any subset is drawn.

    Raises:
        DataUnavailable: with a sentence that names the row, the column, or what is missing.
    """
    dataset = definition.dataset
    shape = SHAPES.get(definition.request)
    if shape is None:
        raise DataUnavailable(f"No reader makes {definition.request!r} items of datasets yet.")
    if files.revision != dataset.revision:
        raise DataUnavailable(f"The definition pins {dataset.revision[:7]}; what was found is {files.revision[:7]}.")
    source = Source(definition, files)
    check_numbering(source)
    items = shape(source)
    if not items.inputs:
        raise DataUnavailable(f"{files.name}: the split {dataset.split!r} is empty.")
    count = items.rows if items.rows is not None else len(items.inputs)
    if dataset.expect_rows is not None and count != dataset.expect_rows:
        raise DataUnavailable(
            f"{files.name} has {count} rows in {dataset.split!r}; {dataset.expect_rows} are expected."
        )
    return items
