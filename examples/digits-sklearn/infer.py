"""
Classifies the testing images of the data set in /kqi/input with the model of the parent training,
/kqi/parent/model.joblib. Writes predictions.csv, confusion.csv and value.txt (the accuracy) to /kqi/output.
"""

import joblib

from digits_input import InputError, folders, read_images, run
from digits_output import write_results


def main():
    input_folder, parent, output = folders()
    path = parent / "model.joblib"
    if not path.is_file():
        raise InputError(f"there is no {path}. Start this run with one finished training of this model as its parent.")
    # Loading such a file runs what is in it: only ever load what your own training wrote.
    model = joblib.load(path)
    images, digits, files = read_images(input_folder, "testing")
    shares = model.predict_proba(images)
    write_results(output, files, digits, shares.argmax(axis=1), shares.max(axis=1))


run(main)
