"""What a job leaves for the platform: metrics while it trains, tables and the value of an inference."""

import csv
import json

from digits_input import CLASSES


class Metrics:
    """
    One JSON object a line in metrics.jsonl, which the platform reads as it grows; the same as TensorBoard events where a
    writer of them is installed.
    """

    def __init__(self, output):
        output.mkdir(parents=True, exist_ok=True)
        self._file = open(output / "metrics.jsonl", "w", encoding="utf-8", buffering=1)
        self._events = _event_writer(output / "tensorboard")

    def write(self, step, **values):
        self._file.write(json.dumps({"step": step, **{name: round(float(value), 6) for name, value in values.items()}}) + "\n")
        if self._events:
            for name, value in values.items():
                self._events.add_scalar(name, float(value), step)

    def close(self):
        self._file.close()
        if self._events:
            self._events.close()


def _event_writer(folder):
    for package in ("torch.utils.tensorboard", "tensorboardX"):
        try:
            return __import__(package, fromlist=["SummaryWriter"]).SummaryWriter(str(folder))
        except ImportError:
            continue
    return None


def write_results(output, files, digits, predicted, confidence):
    """predictions.csv, confusion.csv, and value.txt, whose content the platform shows beside the run."""
    output.mkdir(parents=True, exist_ok=True)
    rows = [[*file, digit, guess, f"{sure:.4f}"] for file, digit, guess, sure in zip(files, digits, predicted, confidence)]
    _write_csv(output / "predictions.csv", [["data", "file", "label", "predicted", "confidence"], *rows])
    confusion = [[0] * CLASSES for _ in range(CLASSES)]
    for digit, guess in zip(digits, predicted):
        confusion[int(digit)][int(guess)] += 1
    _write_csv(output / "confusion.csv", [["label", *range(CLASSES)], *([label, *row] for label, row in enumerate(confusion))])
    accuracy = sum(confusion[digit][digit] for digit in range(CLASSES)) / len(digits)
    (output / "value.txt").write_text(f"{accuracy:.4f}", encoding="utf-8")
    print(f"accuracy on {len(digits)} testing images: {accuracy:.4f}")


def _write_csv(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
