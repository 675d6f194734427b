"""
Trains a small network with PyTorch, on the CPU or a GPU if the run has one, on the training images of the data set in
/kqi/input and measures it on the testing images. Writes /kqi/output/metrics.jsonl while it goes and
/kqi/output/model.pt at the end.
"""

import torch

from digits_input import folders, option, read_images, run
from digits_output import Metrics
from network import accuracy_of, make_network

BATCH = 32


def main():
    epochs = option("EPOCHS", 30, int, 1, 10_000)
    learning_rate = option("LEARNING_RATE", 0.003, float, 1e-6, 1)
    torch.manual_seed(option("SEED", 1, int, 0, 2**32 - 1))
    # The network is so small that more threads would only wait for each other.
    torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    input_folder, _, output = folders()
    images, digits = (torch.from_numpy(values).to(device) for values in read_images(input_folder, "training")[:2])
    testing = [torch.from_numpy(values).to(device) for values in read_images(input_folder, "testing")[:2]]
    print(f"{len(images)} training images, {len(testing[0])} testing images; {epochs} epochs, learning rate {learning_rate}, on {device}")

    network = make_network().to(device)
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate)
    metrics = Metrics(output)
    for epoch in range(1, epochs + 1):
        network.train()
        total = 0.0
        for batch in torch.randperm(len(images), device=device).split(BATCH):
            loss = torch.nn.functional.cross_entropy(network(images[batch]), digits[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item() * len(batch)
        accuracy = accuracy_of(network, images, digits)
        metrics.write(epoch, loss=total / len(images), training_accuracy=accuracy, testing_accuracy=accuracy_of(network, *testing))
        print(f"epoch {epoch}/{epochs} loss {total / len(images):.4f} accuracy {accuracy:.4f}", flush=True)
    metrics.close()
    torch.save(network.cpu().state_dict(), output / "model.pt")
    print(f"accuracy on {len(testing[0])} testing images: {accuracy_of(network, *(values.cpu() for values in testing)):.4f}")


run(main)
