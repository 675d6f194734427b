"""The network: two convolutions over 8×8 pixels, then one layer to the ten digits."""

import torch

from digits_input import CLASSES, SIDE


def make_network():
    return torch.nn.Sequential(
        torch.nn.Unflatten(1, (1, SIDE, SIDE)),
        torch.nn.Conv2d(1, 16, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.Conv2d(16, 32, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(32 * (SIDE // 2) ** 2, CLASSES),
    )


@torch.no_grad()
def accuracy_of(network, images, digits):
    network.eval()
    return (network(images).argmax(1) == digits).float().mean().item()
