"""Whose images a run was trained on, where that is known."""

LICENCES = {
    "mnist5k": "MNIST (LeCun, Cortes, Burges), CC BY-SA 3.0",
    "mnist": "MNIST (LeCun, Cortes, Burges), CC BY-SA 3.0",
    "fashion_mnist": "Fashion-MNIST (Zalando), MIT",
    "kmnist": "KMNIST (CODH), CC BY-SA 4.0",
    "cifar10": "CIFAR-10 (Krizhevsky), no licence stated",
    "cifar100": "CIFAR-100 (Krizhevsky), no licence stated",
    "svhn": "SVHN (Netzer et al.), for non-commercial use only",
    "stl10": "STL-10 (Coates, Lee, Ng), images of ImageNet, whose terms apply",
    "celeba": "CelebA (Liu et al.), for non-commercial research only",
    "synthetic": "drawn by hourglass, free of rights",
}
"""Option of `conf/data` -> its images and their licence."""
UNKNOWN = "not known: ask where the images come from"


def licence_of(data: str) -> str:
    return LICENCES.get(data, UNKNOWN)
