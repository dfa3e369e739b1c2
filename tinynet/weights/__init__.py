"""Weights in and out of files: safetensors for our own, one reader per foreign format."""
from .ndf import read_ndf
from .store import load_weights, save_weights, tensors_sha256

__all__ = ["load_weights", "read_ndf", "save_weights", "tensors_sha256"]
