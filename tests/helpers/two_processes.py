"""Some steps of quantised latents, on one process or two, which are started with this file."""

import sys
from typing import Any

import torch
from torch import Tensor, distributed, multiprocessing

from helpers.project import parts
from hourglass.nn import CodeSpec

SPEC = CodeSpec(((1, 12, 16), (6, 3, 4)), None)
OPTIONS = ("vq", "rvq", "simvq", "fsq", "lfq")


def steps(option: str, rank: int, ranks: int) -> dict[str, Tensor]:
    """What a latent holds after three batches, and its gradients, the mean over the processes as DDP takes it."""
    torch.manual_seed(0)
    small = ["latent.codebook_size=16", "latent.dead_below=6"] if "vq" in option and option != "simvq" else []
    latent: Any = parts(f"latent={option}", *small).latent(SPEC)
    for step in range(3):
        whole = torch.randn(8, 6, 3, 4, generator=torch.Generator().manual_seed(step))
        torch.manual_seed(100 * step + rank)  # as a run does
        coded = latent(whole[rank::ranks])
        (coded.code.square().flatten(1).sum(1).mean() + coded.regularization).backward()
    values = {name: value.detach().clone() for name, value in latent.state_dict().items()} | dict(coded.logs)
    for name, weight in latent.named_parameters():
        gradient = weight.grad.clone()
        if ranks > 1:
            distributed.all_reduce(gradient)
        values[f"gradient of {name}"] = gradient / ranks
    return values


def work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    torch.save({option: steps(option, rank, 2) for option in OPTIONS}, f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


if __name__ == "__main__":  # FOLDER: writes 0.pt, 1.pt and alone.pt there
    torch.save({option: steps(option, 0, 1) for option in OPTIONS}, f"{sys.argv[1]}/alone.pt")
    multiprocessing.start_processes(work, (sys.argv[1],), nprocs=2, start_method="fork")
