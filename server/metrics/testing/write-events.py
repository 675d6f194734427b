"""Writes event files with the writers that training code uses. Run by tests: write-events.py FOLDER WHAT [COUNT]."""
import sys
import time

folder, what, count = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 10


def tensorboard_x():
    import numpy
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(folder)
    writer.add_hparams({"lr": 0.1, "optimizer": "adam", "nesterov": True}, {"hparam/accuracy": 0.9}, name="session")
    for step in range(count):
        writer.add_scalar("loss", 1 / (step + 1), step, walltime=1_700_000_000 + step)
        writer.add_scalar("odd", [float("nan"), float("inf"), float("-inf")][step % 3], step, walltime=1_700_000_000 + step)
    writer.add_histogram("weights", numpy.arange(1000) / 1000, 1, walltime=1_700_000_000)
    writer.add_image("picture", numpy.full((3, 4, 5), 128, dtype=numpy.uint8), 2, walltime=1_700_000_000)
    writer.add_text("note", "a *text* 本", 3, walltime=1_700_000_000)
    writer.close()


def tensorboard():
    from tensorboard.summary import Writer

    writer = Writer(folder)
    for step in range(count):
        writer.add_scalar("loss", 1 / (step + 1), step, wall_time=1_700_000_000 + step)
    writer.close()


def growing():
    """One scalar a line on stdin, flushed, then an answer."""
    from tensorboard.compat.proto import event_pb2, summary_pb2
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(folder)
    writer.flush()
    print("ready", flush=True)
    for line in sys.stdin:
        step = int(line)
        summary = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag="loss", simple_value=step * 0.5)])
        writer.add_event(event_pb2.Event(wall_time=time.time(), step=step, summary=summary))
        writer.flush()
        print(step, flush=True)
    writer.close()


{"tensorboardX": tensorboard_x, "tensorboard": tensorboard, "growing": growing}[what]()
