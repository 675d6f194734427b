"""
Trains a small network with scikit-learn on the training images of the data set in /kqi/input and measures it on the
testing images. Writes /kqi/output/metrics.jsonl while it goes and /kqi/output/model.joblib at the end.
"""

import joblib
import numpy
from sklearn.neural_network import MLPClassifier

from digits_input import CLASSES, folders, option, read_images, run
from digits_output import Metrics


def main():
    epochs = option("EPOCHS", 40, int, 1, 10_000)
    learning_rate = option("LEARNING_RATE", 0.003, float, 1e-6, 1)
    seed = option("SEED", 1, int, 0, 2**32 - 1)
    input_folder, _, output = folders()
    images, digits, _ = read_images(input_folder, "training")
    testing_images, testing_digits, _ = read_images(input_folder, "testing")
    print(f"{len(images)} training images, {len(testing_images)} testing images; {epochs} epochs, learning rate {learning_rate}, seed {seed}")

    model = MLPClassifier(hidden_layer_sizes=(64,), learning_rate_init=learning_rate, batch_size=32, random_state=seed)
    metrics = Metrics(output)
    for epoch in range(1, epochs + 1):
        # One call goes through all images once, in an order of its own.
        model.partial_fit(images, digits, classes=numpy.arange(CLASSES))
        accuracy = model.score(images, digits)
        metrics.write(epoch, loss=model.loss_, training_accuracy=accuracy, testing_accuracy=model.score(testing_images, testing_digits))
        print(f"epoch {epoch}/{epochs} loss {model.loss_:.4f} accuracy {accuracy:.4f}", flush=True)
    metrics.close()
    joblib.dump(model, output / "model.joblib")
    print(f"accuracy on {len(testing_images)} testing images: {model.score(testing_images, testing_digits):.4f}")


run(main)
