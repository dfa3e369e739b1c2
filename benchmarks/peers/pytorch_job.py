"""The main job in PyTorch, written as its tutorial "Transfer Learning for Computer Vision" does it.

The trunk is frozen but runs in every epoch, on photos that are read again in every epoch; 25 epochs, batches of 4,
SGD with momentum and a rate that drops every 7 epochs; the weights with the best validation accuracy are kept in a
file. Photos, split and preprocessing are ours, so that the accuracies are of the same test.
"""
import torch
from torch import nn
from torch.nn import functional as F

from tinynet.data import ImageFolder, stratified_split
from tinynet.models.squeezenet import PREPROCESSING

from .. import inputs
from .pytorch_net import network

EPOCHS, BATCH = 25, 4


class Photos(torch.utils.data.Dataset):
    """Some photos of a folder, read and preprocessed when asked for."""

    def __init__(self, dataset, rows):
        self.dataset, self.rows = dataset, rows
        self.preprocess = PREPROCESSING

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        row = self.rows[i]
        return torch.from_numpy(self.preprocess(self.dataset.image(row))), self.dataset.labels[row]


def job(case, peer):
    """Photos on disk to a trained head."""
    folder = inputs.scratch()
    inputs.write_photos(folder / "photos", case.batch)

    def run():
        dataset = ImageFolder(folder / "photos")
        train, val, test = (torch.utils.data.DataLoader(Photos(dataset, rows), BATCH, shuffle=True)
                            for rows in stratified_split(dataset.labels, keys=[dataset.key(i) for i in range(len(dataset))]))
        net = network()
        for p in net.parameters():
            p.requires_grad = False
        net.add_module("pool", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))
        net.add_module("softmax", nn.Linear(inputs.CODES[1], len(dataset.classes)))
        _train(net, train, val, folder / "best.pt")
        net.load_state_dict(torch.load(folder / "best.pt", weights_only=True))
        return [_accuracy(net.eval(), test)]

    return run


def _train(net, train, val, path):
    optimizer = torch.optim.SGD(net.softmax.parameters(), lr=0.001, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.1)
    best = -1.0
    for _ in range(EPOCHS):
        net.train()
        for x, labels in train:
            optimizer.zero_grad()
            F.cross_entropy(net(x), labels).backward()
            optimizer.step()
        schedule.step()
        accuracy = _accuracy(net.eval(), val)
        if accuracy > best:
            best = accuracy
            torch.save(net.state_dict(), path)


def _accuracy(net, photos):
    with torch.no_grad():
        return sum(int((net(x).argmax(1) == labels).sum()) for x, labels in photos) / len(photos.dataset)
