import pytest
import torch

from ax_anasod.exceptions import OptionError
from ax_anasod.networks.layers import DropPath, PointwiseConv


@pytest.fixture
def ones() -> torch.Tensor:
    return torch.ones(4000, 2, 3, 3)


def test_whole_images_are_dropped_and_the_rest_is_scaled_up(ones):
    torch.manual_seed(0)
    result = DropPath(0.25)(ones)
    per_image = result.flatten(1)
    assert torch.equal(per_image.min(dim=1).values, per_image.max(dim=1).values)
    assert per_image[:, 0].unique().tolist() == pytest.approx([0, 4 / 3])
    # Four standard errors of the mean of 4,000 draws.
    assert per_image[:, 0].mean().item() == pytest.approx(1, abs=4 * (1 / 3 / 4000) ** 0.5)


def test_nothing_is_dropped_at_rate_0_or_outside_training(ones):
    assert DropPath(0.0)(ones) is ones
    assert DropPath(0.5).eval()(ones) is ones


def test_the_type_of_the_features_stays(ones):
    assert DropPath(0.5)(ones.bfloat16()).dtype == torch.bfloat16


def test_the_rate_is_no_weight():
    assert not DropPath(0.5).state_dict()


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan"), True, "0.1"])
def test_rates_outside_0_to_1_are_refused(rate):
    with pytest.raises(OptionError):
        DropPath().set_rate(rate)


@pytest.mark.parametrize("channels", [2, 5, 8])
def test_a_strided_pointwise_convolution_has_the_right_gradients(channels):
    torch.manual_seed(0)
    conv = PointwiseConv(channels, 4, stride=2).to(memory_format=torch.channels_last)
    images = torch.randn(16, channels, 9, 9).contiguous(memory_format=torch.channels_last)
    images.requires_grad_()
    result = conv(images)
    result.square().sum().backward()

    pixels, weight = images.detach()[:, :, ::2, ::2], conv.weight.detach()[:, :, 0, 0]
    expected = torch.einsum("bchw,oc->bohw", pixels, weight)
    of_images = torch.zeros_like(images)
    of_images[:, :, ::2, ::2] = torch.einsum("bohw,oc->bchw", 2 * expected, weight)
    torch.testing.assert_close(result, expected)
    torch.testing.assert_close(images.grad, of_images)
    of_weight = torch.einsum("bohw,bchw->oc", 2 * expected, pixels)
    torch.testing.assert_close(conv.weight.grad[:, :, 0, 0], of_weight, rtol=1e-4, atol=1e-3)
