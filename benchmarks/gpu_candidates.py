"""What might make tinynet faster on a GPU, beside what stands: ``python -m benchmarks.gpu_candidates``, which `gpu.sh` runs."""
from . import gpu, gpu_copies, gpu_im2col


def main():
    """Print the tables, or end with why nothing can be measured."""
    gpu.start()
    gpu_copies.table()
    print()
    gpu_im2col.table()


if __name__ == "__main__":
    main()
