"""What every variant must be: trained parameters, input, classes. Source: models.md, checked there by arithmetic.

The locally connected and tiled MNIST-1D nets are ours: positions or tiles times the plain kernel and bias. So are the
sizes of the tiled CNNs.
"""

import math

IMAGENET, CIFAR, MNIST, SERIES = (224, 224, 3), (32, 32, 3), (28, 28, 1), (40, 1)
WIDE = (227, 227, 3)  # AlexNet's
SOUND, CLIP = (32000, 1), (16, 112, 112, 3)
CARDS = {
    "mnist1d_cnn": (2_050, SERIES, 10),
    "mnist1d_fc": (59_065, SERIES, 10),
    "mnist1d_fc100": (15_210, SERIES, 10),
    "mnist1d_local": (19 * 60 + 9 * 690 + 4 * 690 + 610, SERIES, 10),
    "mnist1d_tiled": (2 * (60 + 690 + 690) + 610, SERIES, 10),
    "nielsen_0": (79_510, MNIST, 10),
    "nielsen_1": (289_630, MNIST, 10),
    "nielsen_1b": (29_330, MNIST, 10),
    "nielsen_2": (85_670, MNIST, 10),
    "nielsen_3": (85_670, MNIST, 10),
    "nielsen_4": (85_670, MNIST, 10),
    "nielsen_4a": (215_870, MNIST, 10),
    "nielsen_4b": (671_570, MNIST, 10),
    "nielsen_5": (95_770, MNIST, 10),
    "nielsen_5a": (306_170, MNIST, 10),
    "nielsen_5b": (1_672_570, MNIST, 10),
    "nielsen_6": (1_672_570, MNIST, 10),
    "alexnet": (60_965_224, WIDE, 1000),
    "alexnet_dense": (62_378_344, WIDE, 1000),
    "alexnet_one_tower": (61_100_840, WIDE, 1000),
    "alexnet_torchvision": (61_100_840, IMAGENET, 1000),
    "zfnet": (62_357_608, IMAGENET, 1000),
    "vgg11": (132_863_336, IMAGENET, 1000),
    "vgg11_lrn": (132_863_336, IMAGENET, 1000),
    "vgg13": (133_047_848, IMAGENET, 1000),
    "vgg16": (138_357_544, IMAGENET, 1000),
    "vgg16_1x1": (133_638_952, IMAGENET, 1000),
    "vgg19": (143_667_240, IMAGENET, 1000),
    "googlenet": (6_998_552, IMAGENET, 1000),
    "googlenet_auxiliary": (13_378_280, IMAGENET, 1000),
    "googlenet_torchvision": (6_624_904, IMAGENET, 1000),
    "nin_cifar": (966_986, CIFAR, 10),
    "nin_mnist": (349_674, MNIST, 10),
    "nin_imagenet": (7_595_176, IMAGENET, 1000),
    "resnet18": (11_689_512, IMAGENET, 1000),
    "resnet34": (21_797_672, IMAGENET, 1000),
    "resnet50": (25_557_032, IMAGENET, 1000),
    "resnet101": (44_549_160, IMAGENET, 1000),
    "resnet152": (60_192_808, IMAGENET, 1000),
    "resnet20_cifar": (269_722, CIFAR, 10),
    "resnet32_cifar": (464_154, CIFAR, 10),
    "resnet44_cifar": (658_586, CIFAR, 10),
    "resnet56_cifar": (853_018, CIFAR, 10),
    "resnet110_cifar": (1_727_962, CIFAR, 10),
    "plain20_cifar": (269_722, CIFAR, 10),
    "plain56_cifar": (853_018, CIFAR, 10),
    "deepface": (118_923_774, (152, 152, 3), 4030),
    "segnet": (29_449_355, (360, 480, 3), 11),
    "segnet_basic": (1_416_587, (360, 480, 3), 11),
    "deconvnet": (251_805_653, IMAGENET, 21),
    "dilated_frontend": (134_346_581, (900, 900, 3), 21),
    "dilated_basic": (134_346_581 + 28_392, (900, 900, 3), 21),
    "dilated_large": (141_149_720, (900, 900, 3), 21),
    "context_basic": (28_392, (None, None, 21), 21),
    "context_large": (6_803_139, (None, None, 21), 21),
    "cnn_m_2048": (92_469_864, IMAGENET, 1000),
    "two_stream_spatial": (90_627_813, IMAGENET, 101),
    "two_stream_temporal": (90_707_781, (224, 224, 20), 101),
    "two_stream": (90_627_813 + 90_707_781, IMAGENET, 101),
    "maxout_mnist_dense": (1_233_610, MNIST, 10),
    "maxout_mnist": (471_994, MNIST, 10),
    "maxout_cifar": (16_247_830, CIFAR, 10),
    "maxout_svhn": (10_461_050, CIFAR, 10),
    "spp_zf5": (77_037_672, (None, None, 3), 1000),
    "spp_overfeat5": (132_268_648, (None, None, 3), 1000),
    "spp_overfeat7": (136_988_264, (None, None, 3), 1000),
    "deep_fried_1024": (38_892, MNIST, 10),
    "deep_fried_2048": (52_204, MNIST, 10),
    "lenet5": (60_000, (32, 32, 1), 10),
    "lenet5_modern": (61_706, (32, 32, 1), 10),
    "lenet1": (2_578, MNIST, 10),
    "lecun1989": (9_760, (16, 16, 1), 10),
    "simard2003": (132_540, (29, 29, 1), 10),
    "lenet_caffe": (431_080, MNIST, 10),
    "all_cnn_c": (1_369_738, CIFAR, 10),
    "strided_cnn_c": (954_730, CIFAR, 10),
    "conv_pool_cnn_c": (1_369_738, CIFAR, 10),
    "model_c": (954_730, CIFAR, 10),
    "model_a": (839_242, CIFAR, 10),
    "all_cnn_a": (1_254_250, CIFAR, 10),
    "capsnet": (8_215_568, MNIST, 10),
    "capsnet_baseline": (35_445_522, MNIST, 10),
    "tiled_cnn": (4 * 64 * (192 + 1024) + 10_250, CIFAR, 10),  # tiles, maps, weights of a kernel in both stages
    "tied_cnn": (64 * (192 + 1024) + 10_250, CIFAR, 10),
    "tica_cnn": (4 * 64 * (192 + 1024) + 10_250, CIFAR, 10),
    "m3": (221_194, SOUND, 10),
    "m5": (559_114, SOUND, 10),
    "m11": (1_786_442, SOUND, 10),
    "m18": (3_683_786, SOUND, 10),
    "c3d": (79_991_015, CLIP, 487),
    "c3d_ucf101": (17_444_965, CLIP, 101),
    "jarrett": (417_894, (151, 151, 1), 102),
    "jarrett_one_stage": (26 * 26 * 64 * 102 + 102, (151, 151, 1), 102),
    "jarrett_trained": (5_184 + 331_776 + 64 + 256 + 417_894, (151, 151, 1), 102),
    "kmeans_features": (64_010, CIFAR, 10),
    "kmeans_features_4000": (160_010, CIFAR, 10),
    "saxe": (25 * 64 * 10 + 10, (32, 32, 1), 10),  # sizes of these and of the Gabor nets are ours
    "saxe_circular": (36 * 64 * 10 + 10, (32, 32, 1), 10),
    "saxe_trained": (64 * 64 + 25 * 64 * 10 + 10, (32, 32, 1), 10),
    "gabor_net": (49 * 32 * 10 + 10, MNIST, 10),
    "gabor_net_trained": (8 * 32 + 49 * 32 * 10 + 10, MNIST, 10),
    "gabor_net_conv": (9 * 32 * 64 + 64 + 9 * 64 * 10 + 10, MNIST, 10),
}
PIXELS = ("segnet", "segnet_basic", "deconvnet")  # a class each
PIXELS += ("dilated_frontend", "dilated_basic", "dilated_large", "context_basic", "context_large")
DRAWN = "reconstruction"  # an output that is no answer


def trained(net):
    """The number of trained parameters, as published counts have it: without the moving statistics of batch norms."""
    return sum(math.prod(weight.shape) for weight in net.trainable_weights)


def shapes(net, names):
    """The shape of each named layer's maps, without the batch."""
    return {name: tuple(net.get_layer(name).output.shape[1:]) for name in names}
