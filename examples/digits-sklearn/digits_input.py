"""What the platform puts before a job, read and checked: the folders, the data set's description, the labelled images."""

import json
import os
import re
import sys
from pathlib import Path

import numpy
from PIL import Image

SIDE = 8
CLASSES = 10


class InputError(Exception):
    """Something is wrong with what this program was given; the text says what to do."""


def folders():
    """Jobs that cannot be given folders at /kqi have them below SODATE_ROOT. KQI_ROOT is for running it by hand."""
    root = Path(os.environ.get("KQI_ROOT") or os.environ.get("SODATE_ROOT", "/") + "/kqi")
    return root / "input", root / "parent", root / "output"


def run(main):
    """Runs a program; an InputError ends it with its text alone and exit code 1."""
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")


def option(name, usual, kind, low, high):
    """A number from the environment."""
    text = os.environ.get(name, "").strip()
    if not text:
        return usual
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not low <= value <= high:
        raise InputError(f"{name} is {text!r}; it must be a number from {low} to {high}")
    return value


def read_images(folder, part):
    """
    The images of one part of the data set as numbers from 0 to 1, one image a row, their digits, and which files they are.
    Ordered by digit and file name, so that the ids which the platform happened to give do not change what a seed leads to.
    """
    images = []
    for data in _entries(folder, part):
        digit = _digit_of(data)
        files = sorted((folder / part / str(data["id"])).glob("*.png"))
        if not files:
            raise InputError(f"no PNG file in {folder / part / str(data['id'])}: take this data out of the data set")
        images += [(digit, path.name, str(data["id"]), _pixels(path)) for path in files]
    images.sort(key=lambda image: image[:3])
    pixels = numpy.array([image[3] for image in images], dtype=numpy.float32)
    digits = numpy.array([image[0] for image in images], dtype=numpy.int64)
    return pixels, digits, [(image[2], image[1]) for image in images]


def _entries(folder, part):
    path = folder / "meta.json"
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path} ({error}). Start this run with a data set, or set KQI_ROOT to the folder that has input/meta.json.")
    entries = [] if meta.get("isFlat") else meta.get("entries", {}).get(part, [])
    if not entries:
        raise InputError(f"the data set has no {part} data: add some to its type {part!r} and start again")
    return entries


def _digit_of(data):
    found = [re.fullmatch(r"digit-([0-9])", tag) for tag in data.get("tags") or []]
    found.append(re.match(r"digit ([0-9])(?![0-9])", data.get("name") or ""))
    for match in found:
        if match:
            return int(match[1])
    raise InputError(f"data {data['id']} {data.get('name')!r} does not say which digit its images show: give it a tag from digit-0 to digit-9")


def _pixels(path):
    try:
        with Image.open(path) as image:
            if image.size != (SIDE, SIDE):
                raise InputError(f"{path} has {image.width}×{image.height} pixels, but this model reads {SIDE}×{SIDE}: scale the images")
            return numpy.asarray(image.convert("L"), dtype=numpy.float32).reshape(-1) / 255
    except OSError as error:
        raise InputError(f"{path} is not an image that can be read: {error}")
