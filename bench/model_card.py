"""Put the measured figures into a model card, between its two markers.

    python bench/model_card.py MODEL_CARD.md "T2 middle slice=docs/results/t2-mid" ...

Each column is TITLE=FOLDER, FOLDER as 'discern evaluate' wrote it.
"""

import argparse
from pathlib import Path

from discern.outputs import write_files
from discern.reporting.report_card.figures import figures_markdown, replace_figures
from discern.reporting.report_card.reading import read_evaluation


def main() -> None:
    """Rewrite the card."""
    parser = argparse.ArgumentParser(description="Put measured figures into a model card.")
    parser.add_argument("card", type=Path)
    parser.add_argument("columns", nargs="+", metavar="TITLE=FOLDER")
    given = parser.parse_args()
    columns = dict(column.split("=", 1) for column in given.columns)
    evaluations = {title: read_evaluation(Path(folder)) for title, folder in columns.items()}
    text = given.card.read_text(encoding="utf-8")
    card = replace_figures(text, figures_markdown(evaluations))
    write_files(given.card.parent, {given.card.name: card.encode()})
    print(f"{given.card.name}: figures of {', '.join(evaluations)}")


if __name__ == "__main__":
    main()
