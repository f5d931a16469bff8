import pytest
import torch

from mechanics.runtime import device


def test_chosen_products_have_the_precision_of_float32_and_bfloat16_would_be_noticed(monkeypatch):
    exact = torch.Tensor.__matmul__
    device.choose_device("cpu")
    assert device.products_are_float32()

    def rounded(left, right):
        if left.dtype != torch.float32:
            return exact(left, right)
        return exact(left.bfloat16().float(), right.bfloat16().float())

    monkeypatch.setattr(torch.Tensor, "__matmul__", rounded)
    assert not device.products_are_float32()
    device._multiply_with_onednn()
    assert torch.backends.mkldnn.matmul.fp32_precision == "ieee"


@pytest.mark.skipif(not torch.set_flush_denormal(False), reason="this CPU cannot")
def test_denormal_numbers_are_zeros():
    torch.set_flush_denormal(False)
    tiny = torch.tensor([1e-40])
    assert (tiny * 1).item() > 0
    device.choose_device("cpu")
    assert (tiny * 1).item() == 0


def test_unknown_device_is_named_and_an_absent_gpu_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for name, message in (
        ("tpu", "device 'tpu': expected 'auto', 'cpu' or 'cuda'"),
        ("cuda", "sees no CUDA GPU"),
    ):
        with pytest.raises(ValueError, match=message):
            device.choose_device(name)
    assert device.choose_device("auto").type == "cpu"
