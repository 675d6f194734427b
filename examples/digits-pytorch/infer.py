"""
Classifies the testing images of the data set in /kqi/input with the model of the parent training, /kqi/parent/model.pt.
Writes predictions.csv, confusion.csv and value.txt (the accuracy) to /kqi/output.
"""

import torch

from digits_input import InputError, folders, read_images, run
from digits_output import write_results
from network import make_network


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    input_folder, parent, output = folders()
    path = parent / "model.pt"
    if not path.is_file():
        raise InputError(f"there is no {path}. Start this run with one finished training of this model as its parent.")
    network = make_network()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    network.eval()
    images, digits, files = read_images(input_folder, "testing")
    shares = network(torch.from_numpy(images)).softmax(1)
    confidence, predicted = shares.max(1)
    write_results(output, files, digits, predicted.tolist(), confidence.tolist())


run(main)
