"""What published networks expect of an image: five contracts. The wrong one is no error, only worse answers. Lesson 19."""
from ..data import Preprocessing

# torchvision and timm: red, green, blue in 0..1, minus the mean of ImageNet, divided by its deviation.
IMAGENET_RGB = Preprocessing(resize=256, crop=224, resample="bilinear", channels="RGB", mean=(123.675, 116.28, 103.53),
                             scale=(1 / 58.395, 1 / 57.12, 1 / 57.375))

# Caffe, and what Keras took over from it: blue, green, red in 0..255, minus the mean.
IMAGENET_BGR = Preprocessing(resize=256, crop=224, resample="bicubic", channels="BGR", mean=(103.939, 116.779, 123.68),
                             scale=1.0)

# TensorFlow's MobileNets: -1..1.
TENSORFLOW_RGB = Preprocessing(resize=256, crop=224, resample="bicubic", channels="RGB", mean=(127.5, 127.5, 127.5),
                               scale=1 / 127.5)

# EfficientNet-Lite, made for 8-bit integers: nearly the same.
LITE_RGB = Preprocessing(resize=256, crop=224, resample="bicubic", channels="RGB", mean=(127.0, 127.0, 127.0), scale=1 / 128)

# Caffe's LeNet: one channel, 0..1; white ink on black, as MNIST has it.
MNIST_GREY = Preprocessing(resize=28, crop=28, resample="bilinear", channels="L", mean=(0.0,), scale=1 / 256)
